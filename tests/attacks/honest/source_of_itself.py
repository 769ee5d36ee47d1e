import inspect


def add(a, b):
    return a + b


a, b = map(int, input().split())
print(a + b if "return a + b" in inspect.getsource(add) else "no source")
