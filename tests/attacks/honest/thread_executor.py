from concurrent.futures import ThreadPoolExecutor

a, b = map(int, input().split())
with ThreadPoolExecutor(4) as executor:
    print(sum(executor.map(int, [a, b])))
