n = int(input())
for _ in range(n // 100):
    print("x" * 100, end="")
