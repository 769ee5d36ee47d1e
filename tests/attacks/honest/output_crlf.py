n = int(input())
print("\r\n".join(str(i) for i in range(1, n + 1)))
