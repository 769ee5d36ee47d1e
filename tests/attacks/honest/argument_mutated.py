class Solution:
    def double(self, nums):
        for index in range(len(nums)):
            nums[index] *= 2
        return nums
