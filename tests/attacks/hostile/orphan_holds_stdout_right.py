import posix
import sys
import time

a, b = map(int, input().split())
print(a + b)
sys.stdout.flush()
if posix.fork() == 0:
    time.sleep(1000)
posix._exit(0)
