class Solution:
    def add(self, a, b):
        return {1: 0, "1": 1, None: 2, (1, 2): 3, 1.0: 4}
