a, b = map(int, input().split())
print("\x00" + str(a + b) + "\x00")
