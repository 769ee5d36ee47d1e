values = {}
number = 0
while True:
    values[number] = str(number) * 50
    number += 1
