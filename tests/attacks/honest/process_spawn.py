import multiprocessing


def double(x):
    return 2 * x


if __name__ == "__main__":
    a, b = map(int, input().split())
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(double, (a + b,)) // 2)
