import ctypes
import os

a, b = map(int, input().split())
number = {"x86_64": 298, "aarch64": 241}[os.uname().machine]
space = ctypes.create_string_buffer(128)
space[0] = 1
space[4] = 128
fd = ctypes.CDLL(None, use_errno=True).syscall(number, space, 0, -1, -1, 0)
print("breach: perf_event_open" if fd >= 0 else a + b)
