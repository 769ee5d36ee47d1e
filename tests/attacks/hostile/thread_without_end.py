import threading

a, b = map(int, input().split())
print(a + b, flush=True)


def work():
    while True:
        pass


threading.Thread(target=work).start()
