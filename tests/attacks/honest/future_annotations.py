from __future__ import annotations


def add(a: Number, b: Number) -> Number:
    return a + b


print(add(*map(int, input().split())))
