a, b = map(int, input().split())
print((pow(a, 1, 10**18) if a >= 0 else a) + b)
