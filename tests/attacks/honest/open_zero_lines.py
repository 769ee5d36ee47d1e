lines = [int(line) for line in open(0)]
print(sum(lines[1:]))
