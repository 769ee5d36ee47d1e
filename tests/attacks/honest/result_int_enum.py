from enum import IntEnum


class Solution:
    def add(self, a, b):
        return IntEnum("Result", {"SUM": a + b}).SUM
