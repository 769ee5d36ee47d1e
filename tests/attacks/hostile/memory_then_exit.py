import posix

pid = posix.fork()
if pid == 0:
    blocks = []
    while True:
        blocks.append(bytearray(b"x" * (64 << 20)))
posix.waitpid(pid, 0)
posix._exit(0)
