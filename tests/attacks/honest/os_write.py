import os

a, b = map(int, input().split())
os.write(1, b"%d\n" % (a + b))
