import os

a, b = map(int, input().split())
try:
    os.mkdir("/tmp/residue_many")
    for number in range(20_000):
        os.close(os.open(f"/tmp/residue_many/{number}", os.O_CREAT))
except OSError:
    pass
print(a + b)
