from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 100
a, b = input().split()
print(int(Fraction(a) + Fraction(Decimal(b))))
