import os
import posix
import socket
import time

a, b = map(int, input().split())
if posix.fork() == 0:
    posix.setsid()
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind("\0residue")
        server.listen()
    except OSError:
        pass
    os.closerange(0, 3)
    time.sleep(1000)
time.sleep(0.05)
print(a + b)
