from collections import deque


class Solution:
    def double(self, nums):
        return deque(2 * x for x in nums)
