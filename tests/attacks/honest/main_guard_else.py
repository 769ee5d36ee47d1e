def main():
    a, b = map(int, input().split())
    print(a + b)


if __name__ == "__main__" and True:
    main()
else:
    raise ImportError("not a module")
