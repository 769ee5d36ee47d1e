import threading

a, b = map(int, input().split())
barrier = threading.Barrier(40)
results = []


def work(number):
    barrier.wait(5)
    results.append(number)


threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(a + b if len(results) == 40 else "threads")
