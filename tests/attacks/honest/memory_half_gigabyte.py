block = bytearray(500 << 20)
block[:: 4096] = b"x" * len(block[:: 4096])
print(sum(map(int, input().split())))
