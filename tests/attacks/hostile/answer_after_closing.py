import os

a, b = map(int, input().split())
os.close(1)
os.write(1, b"%d\n" % (a + b))
