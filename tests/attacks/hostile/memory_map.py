import mmap

maps = []
while True:
    one = mmap.mmap(-1, 64 << 20)
    for offset in range(0, 64 << 20, 4096):
        one[offset] = 1
    maps.append(one)
