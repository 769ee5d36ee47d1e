import io
import os
import sys

sys.stdin = io.StringIO(os.read(0, os.fstat(0).st_size or 1 << 20).decode())
n = int(sys.stdin.readline())
print(sum(int(sys.stdin.readline()) for _ in range(n)))
