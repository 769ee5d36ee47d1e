import posix

a, b = map(int, input().split())
try:
    posix.chroot("/tmp")
    print("breach: chroot")
except OSError:
    print(a + b)
