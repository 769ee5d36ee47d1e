import os
import time

while True:
    os.read(0, 1)
    time.sleep(1)
