import time

for name in ("time", "monotonic", "perf_counter", "process_time", "time_ns", "monotonic_ns", "thread_time"):
    setattr(time, name, lambda: 0)
while True:
    pass
