import os
import posix

a, b = map(int, input().split())
os.nice(19)
try:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
except OSError:
    pass
posix.umask(0o777)
print(a + b)
