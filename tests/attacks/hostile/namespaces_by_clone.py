import ctypes
import os

a, b = map(int, input().split())
libc = ctypes.CDLL(None, use_errno=True)
arguments = (ctypes.c_uint64 * 8)(0x10000000, 0, 0, 0, 17, 0, 0, 0)
pid = libc.syscall(435, ctypes.byref(arguments), ctypes.sizeof(arguments))
if pid == 0:
    libc._exit(0)
print("breach: clone3 with a user namespace" if pid > 0 else a + b)
