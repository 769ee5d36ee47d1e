import numpy as np


class Solution:
    def add(self, a, b):
        return np.int64(a) + np.int64(b)
