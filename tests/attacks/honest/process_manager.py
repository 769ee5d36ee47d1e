from multiprocessing import Manager, Process


def work(values, number):
    values.append(number)


if __name__ == "__main__":
    a, b = map(int, input().split())
    with Manager() as manager:
        values = manager.list()
        for number in (a, b):
            process = Process(target=work, args=(values, number))
            process.start()
            process.join()
        print(sum(values))
