import threading


def main():
    a, b = map(int, input().split())
    print(a + b)


threading.Thread(target=main).start()
