import ctypes
import os
import posix
import time

a, b = map(int, input().split())
libc = ctypes.CDLL(None, use_errno=True)
if posix.fork() == 0:
    posix.setsid()
    fd = libc.inotify_init()
    libc.inotify_add_watch(fd, b"/tmp", 0xFFF)
    os.closerange(0, 3)
    time.sleep(1000)
print(a + b)
