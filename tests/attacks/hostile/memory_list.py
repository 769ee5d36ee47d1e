values = [0]
while True:
    values += values
