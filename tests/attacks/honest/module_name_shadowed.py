list = [int(x) for x in input().split()]
json = sum
print(json(list))
