with open("numbers.txt", "w") as file:
    file.write(input())
with open("numbers.txt") as file:
    print(sum(map(int, file.read().split())))
