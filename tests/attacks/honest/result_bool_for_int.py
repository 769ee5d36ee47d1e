class Solution:
    def even(self, n):
        return not n & 1
