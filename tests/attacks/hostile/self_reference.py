class Solution:
    def double(self, nums):
        result = []
        result.append(result)
        return result
