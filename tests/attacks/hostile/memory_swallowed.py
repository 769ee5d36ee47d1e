blocks = []
while True:
    try:
        blocks.append(b"x" * (16 << 20))
    except MemoryError:
        pass
