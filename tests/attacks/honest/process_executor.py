from concurrent.futures import ProcessPoolExecutor


def add(a, b):
    return a + b


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as executor:
        print(executor.submit(add, *map(int, input().split())).result())
