import os

a, b = map(int, input().split())
breach = []
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    breach.append("SCHED_FIFO")
except OSError:
    pass
try:
    os.setpriority(os.PRIO_PROCESS, 0, -5)
    breach.append("nice")
except OSError:
    pass
print(f"breach: {breach}" if breach else a + b)
