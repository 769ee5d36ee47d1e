import ctypes
import os

a, b = map(int, input().split())
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
for keyring in (-3, -4, -5):
    key = libc.syscall(number, b"user", b"residue", b"61443", 5, keyring)
print("breach: a key was stored" if key >= 0 else a + b)
