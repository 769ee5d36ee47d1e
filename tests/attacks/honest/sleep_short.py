import datetime
import time

start = datetime.datetime.now()
a, b = map(int, input().split())
time.sleep(0.2)
print(a + b if datetime.datetime.now() - start >= datetime.timedelta(seconds=0.15) else "clock")
