import ctypes

a, b = map(int, input().split())
libc = ctypes.CDLL(None, use_errno=True)
breach = []
if libc.shmget(0x5EED, 0, 0) >= 0:
    breach.append("shared memory")
if libc.semget(0x5EED, 0, 0) >= 0:
    breach.append("semaphores")
if libc.msgget(0x5EED, 0) >= 0:
    breach.append("message queue")
print(f"breach: found {breach}" if breach else a + b)
