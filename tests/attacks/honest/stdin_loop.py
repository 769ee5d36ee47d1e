import sys

numbers = []
for line in sys.stdin:
    numbers.append(int(line))
print(sum(numbers[1:]))
