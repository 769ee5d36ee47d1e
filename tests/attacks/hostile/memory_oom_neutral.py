import os
import posix
import time

for _ in range(60):
    if posix.fork() == 0:
        try:
            os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"0")
        except OSError:
            pass
        block = bytearray(48 << 20)
        block[:: 4096] = b"x" * len(block[:: 4096])
        time.sleep(1000)
try:
    while True:
        os.wait()
except ChildProcessError:
    os._exit(1)
