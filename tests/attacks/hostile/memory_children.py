import posix
import time

for _ in range(16):
    if posix.fork() == 0:
        block = bytearray(1 << 30)
        block[:: 4096] = b"x" * len(block[:: 4096])
        time.sleep(1000)
        posix._exit(0)
while True:
    posix.wait()
