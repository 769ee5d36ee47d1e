print("\n ", sum(map(int, input().split())), " \n\n")
