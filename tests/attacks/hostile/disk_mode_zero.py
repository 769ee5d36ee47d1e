import os
import posix

a, b = map(int, input().split())
for top in ("/tmp", "/dev/shm"):
    try:
        os.makedirs(f"{top}/residue_closed/inner/inner")
        os.close(os.open(f"{top}/residue_closed/inner/inner/file", os.O_CREAT, 0))
        for path in ("inner/inner", "inner", ""):
            posix.chmod(f"{top}/residue_closed/{path}", 0)
    except OSError:
        pass
print(a + b)
