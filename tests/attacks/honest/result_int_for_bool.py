class Solution:
    def even(self, n):
        return 1 - n % 2
