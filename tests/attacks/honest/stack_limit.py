import resource
import sys

try:
    resource.setrlimit(resource.RLIMIT_STACK, (256 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))
except ValueError:
    pass
sys.setrecursionlimit(10**6)


def total(n):
    return 0 if n == 0 else n + total(n - 1)


print(total(int(input())))
