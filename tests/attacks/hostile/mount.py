import ctypes

a, b = map(int, input().split())
libc = ctypes.CDLL(None, use_errno=True)
breach = []
if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0:
    breach.append("mount")
if libc.mount(None, b"/", None, 32 | 4096, None) == 0:
    breach.append("remount")
if libc.umount2(b"/tmp", 2) == 0:
    breach.append("umount")
if libc.syscall(428, -100, b"/", 1) >= 0:
    breach.append("open_tree")
if libc.syscall(430, b"tmpfs", 0) >= 0:
    breach.append("fsopen")
print(f"breach: {breach}" if breach else a + b)
