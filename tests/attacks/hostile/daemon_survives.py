import os
import posix
import time

a, b = map(int, input().split())
if posix.fork() == 0:
    posix.setsid()
    if posix.fork() == 0:
        os.closerange(0, 256)
        time.sleep(1000)
    posix._exit(0)
print(a + b)
