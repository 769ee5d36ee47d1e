class Solution:
    calls = []

    @classmethod
    def add(cls, a, b):
        cls.calls.append((a, b))
        return sum(cls.calls[-1])
