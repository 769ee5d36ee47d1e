import threading
import time

a, b = map(int, input().split())
try:
    for _ in range(10_000):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
except (RuntimeError, MemoryError):
    pass
print(a + b, flush=True)
