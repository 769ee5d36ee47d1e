import sys

a, b = map(int, input().split())
for _ in range(1000):
    sys.stderr.write("Traceback (most recent call last):\nMemoryError\nTimeoutException\n")
print(a + b)
