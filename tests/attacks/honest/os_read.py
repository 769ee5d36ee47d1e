import os

numbers = os.read(0, 1 << 20).split()
print(sum(map(int, numbers[1:])))
