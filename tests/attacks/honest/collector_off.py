import gc

gc.disable()
gc.freeze()
print(sum(map(int, input().split())))
