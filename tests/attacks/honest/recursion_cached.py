import sys
from functools import lru_cache

sys.setrecursionlimit(10**5)


@lru_cache(maxsize=None)
def total(n):
    return 0 if n == 0 else n + total(n - 1)


print(total(int(input())))
