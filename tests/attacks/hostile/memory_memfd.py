import os

fds = []
while True:
    fds.append(os.memfd_create("x"))
    for _ in range(64):
        os.write(fds[-1], b"x" * (1 << 20))
