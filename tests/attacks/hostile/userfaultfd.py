import ctypes
import os

a, b = map(int, input().split())
number = {"x86_64": 323, "aarch64": 282}[os.uname().machine]
libc = ctypes.CDLL(None, use_errno=True)
breach = [flags for flags in (0, 1) if libc.syscall(number, flags) >= 0]
print(f"breach: userfaultfd {breach}" if breach else a + b)
