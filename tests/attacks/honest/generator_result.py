class Solution:
    def double(self, nums):
        return (2 * x for x in nums)
