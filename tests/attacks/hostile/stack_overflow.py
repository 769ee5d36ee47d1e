import sys

sys.setrecursionlimit(10**9)


def f(n):
    return sorted([n], key=f)


f(0)
