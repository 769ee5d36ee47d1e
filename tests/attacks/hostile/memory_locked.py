import ctypes

a, b = map(int, input().split())
libc = ctypes.CDLL(None, use_errno=True)
libc.mlockall(3)
libc.mmap.restype = ctypes.c_void_p
libc.mmap(None, 1 << 30, 3, 0x40022, -1, 0)
print(a + b)
