class Solution:
    def find(self, nums, x):
        for index, value in enumerate(nums):
            if value == x:
                return index
