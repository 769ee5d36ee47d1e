def main():
    a, b = map(int, input().split())
    print(a + b)


if "__main__" == __name__:
    main()
