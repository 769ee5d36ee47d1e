class Solution:
    def __init__(self):
        self.table = {x: 2 * x for x in range(-100, 101)}

    def double(self, nums):
        return [self.table[x] for x in nums]
