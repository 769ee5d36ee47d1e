a, b = map(int, input().split())
(limits,) = (line.split()[4:6] for line in open("/proc/self/limits") if line.startswith("Max core"))
print(a + b if limits == ["0", "0"] else f"breach: core limits {limits}")
