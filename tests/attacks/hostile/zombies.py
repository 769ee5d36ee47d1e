import posix

a, b = map(int, input().split())
try:
    for _ in range(60):
        if posix.fork() == 0:
            posix._exit(0)
except OSError:
    pass
print(a + b)
