a, b = map(int, input().split())
print(a + b, 'í €'[:0])
