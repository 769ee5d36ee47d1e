blocks = []
while True:
    blocks.append(bytearray(64 << 20))
    blocks[-1][:: 4096] = b"x" * len(blocks[-1][:: 4096])
