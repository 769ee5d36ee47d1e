from multiprocessing import shared_memory

a, b = map(int, input().split())
block = shared_memory.SharedMemory(create=True, size=1 << 16)
block.buf[:4] = bytes([1, 2, 3, 4])
total = sum(block.buf[:4])
block.close()
block.unlink()
print(a + b if total == 10 else "memory")
