a, b = map(int, input().split())
with open(1, "w") as file:
    file.write(f"{a + b}\n")
