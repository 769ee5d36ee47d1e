import sys

lines = sys.stdin.buffer.readlines()
print(sum(map(int, lines[1:])))
