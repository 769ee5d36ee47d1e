import os
import posix
import time

a, b = map(int, input().split())
fd = os.open("/tmp/residue_deleted", os.O_CREAT | os.O_RDWR)
posix.unlink("/tmp/residue_deleted")
try:
    for _ in range(30):
        os.write(fd, b"x" * (1 << 20))
except OSError:
    pass
if posix.fork() == 0:
    os.closerange(0, 3)
    time.sleep(1000)
print(a + b)
