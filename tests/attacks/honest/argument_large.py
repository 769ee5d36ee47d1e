class Solution:
    def total(self, nums):
        return sum(nums)
