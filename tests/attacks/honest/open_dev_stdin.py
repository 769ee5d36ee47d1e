with open("/dev/stdin") as file:
    numbers = file.read().split()
print(sum(map(int, numbers[1:])))
