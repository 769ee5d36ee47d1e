a, b = map(int, input().split())
scope = {}
exec("def add(a, b):\n    return a + b", scope)
print(eval("add(a, b)", scope, {"a": a, "b": b}))
