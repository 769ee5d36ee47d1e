class Solution:
    def double(self, nums):
        result = []
        for _ in range(100_000):
            result = [result]
        return result
