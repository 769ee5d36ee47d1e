class Solution:
    def double(self, nums):
        result = []
        while nums:
            result.append(2 * nums.pop(0))
        return result
