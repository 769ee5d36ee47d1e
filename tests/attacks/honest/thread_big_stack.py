import sys
import threading


def total(n):
    return 0 if n == 0 else n + total(n - 1)


def main():
    print(total(int(input())))


sys.setrecursionlimit(10**6)
threading.stack_size(128 << 20)
thread = threading.Thread(target=main)
thread.start()
thread.join()
