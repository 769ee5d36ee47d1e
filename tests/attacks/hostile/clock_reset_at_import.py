import os
import time

while True:
    for fd in range(3, 16):
        for letter in b"LSRT":
            try:
                os.write(fd, bytes([letter]) + bytes(4))
            except OSError:
                pass
    time.sleep(0.05)
