import ctypes

a, b = map(int, input().split())
libc = ctypes.CDLL(None, use_errno=True)
print("breach: personality" if libc.personality(0x0040000) >= 0 else a + b)
