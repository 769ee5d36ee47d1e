import os
import posix

for _ in range(8):
    if posix.fork() == 0:
        while True:
            pass
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while True:
    pass
