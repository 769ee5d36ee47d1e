class Solution:
    def double(self, nums):
        result = []
        for _ in range(20_000):
            result = [result]
        return result
