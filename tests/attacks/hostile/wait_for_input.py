import os

while True:
    text = os.read(0, 4096)
    if not text:
        break
print("end")
