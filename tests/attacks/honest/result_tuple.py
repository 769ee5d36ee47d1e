class Solution:
    def double(self, nums):
        return tuple(2 * x for x in nums)
