class Solution:
    def mean(self, nums):
        return sum(nums) / len(nums)
