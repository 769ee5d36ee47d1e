import random

random.seed(1)
numbers = list(map(int, input().split()))
random.shuffle(numbers)
print(sum(numbers))
