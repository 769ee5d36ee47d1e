import os
import posix
import time

a, b = map(int, input().split())
for _ in range(4):
    if posix.fork() == 0:
        while time.process_time() < 1.5:
            pass
        posix._exit(0)
    os.wait()
print(a + b)
