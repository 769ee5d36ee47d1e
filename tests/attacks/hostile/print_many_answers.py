a, b = map(int, input().split())
for guess in range(a + b - 50, a + b + 50):
    print(guess)
