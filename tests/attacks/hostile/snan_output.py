input()
print("sNaN")
