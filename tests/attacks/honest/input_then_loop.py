import sys

n = int(input())
print(sum(int(line) for line in sys.stdin))
