import posix
import time

a, b = map(int, input().split())
for _ in range(10_000):
    try:
        if posix.fork() == 0:
            time.sleep(1000)
            posix._exit(0)
    except OSError:
        break
print(a + b)
