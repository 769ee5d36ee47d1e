global total
total = sum(map(int, input().split()))
print(total)
