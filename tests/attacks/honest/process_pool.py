from multiprocessing import Pool


def double(x):
    return 2 * x


if __name__ == "__main__":
    a, b = map(int, input().split())
    with Pool(2) as pool:
        print(sum(pool.map(double, [a, b])) // 2)
