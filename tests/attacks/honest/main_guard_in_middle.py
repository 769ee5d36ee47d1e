def main():
    a, b = map(int, input().split())
    return a + b


if __name__ == "__main__":
    result = main()
print(result)
