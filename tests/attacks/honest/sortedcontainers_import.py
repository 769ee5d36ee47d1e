from sortedcontainers import SortedList

print(sum(SortedList(map(int, input().split()))))
