class Solution:
    def mean(self, nums):
        total = sum(nums)
        return total // len(nums) if total % len(nums) == 0 else total / len(nums)
