from multiprocessing import Process, Queue


def work(queue, a, b):
    queue.put(a + b)


if __name__ == "__main__":
    queue = Queue()
    process = Process(target=work, args=(queue, *map(int, input().split())))
    process.start()
    print(queue.get())
    process.join()
