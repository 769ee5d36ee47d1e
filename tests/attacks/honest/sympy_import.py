from sympy import Integer

a, b = map(Integer, input().split())
print(a + b)
