total = 0
input()
while True:
    try:
        total += int(input())
    except EOFError:
        break
print(total)
