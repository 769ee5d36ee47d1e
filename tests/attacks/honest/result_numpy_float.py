import numpy as np


class Solution:
    def mean(self, nums):
        return np.mean(nums)
