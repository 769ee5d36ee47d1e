import os

a, b = map(int, input().split())
print(a + b if os.path.isdir(os.getcwd()) and isinstance(os.listdir("."), list) else "no directory")
