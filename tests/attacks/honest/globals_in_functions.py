total = 0


def add(x):
    global total
    total += x


for one in input().split():
    add(int(one))
print(total)
