import os

a, b = map(int, input().split())
breach = []
for name in os.listdir("/proc"):
    if not name.isdigit() or os.stat(f"/proc/{name}").st_uid == os.getuid():
        continue
    for secret in ("environ", "maps", "fd", "cwd", "exe", "root", "io", "map_files", "stack"):
        path = f"/proc/{name}/{secret}"
        try:
            if secret in ("cwd", "exe", "root"):
                os.readlink(path)
            elif secret in ("fd", "map_files"):
                os.listdir(path)
            elif not os.read(os.open(path, os.O_RDONLY), 100):
                continue
            breach.append(path)
        except OSError:
            pass
print(f"breach: {breach}" if breach else a + b)
