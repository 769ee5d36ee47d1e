import numpy


class Solution:
    def double(self, nums):
        return numpy.array([])
