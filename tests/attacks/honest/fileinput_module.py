import fileinput

values = [int(line) for line in fileinput.input()]
print(sum(values[1:]))
