import sys


def main():
    a, b = map(int, input().split())
    print(a + b)


sys.exit(main())
