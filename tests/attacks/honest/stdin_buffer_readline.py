import sys

read = sys.stdin.buffer.readline
n = int(read())
print(sum(int(read()) for _ in range(n)))
