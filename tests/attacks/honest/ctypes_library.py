import ctypes

a, b = map(int, input().split())
print(ctypes.CDLL(None).abs(-abs(a + b)) * (1 if a + b >= 0 else -1))
