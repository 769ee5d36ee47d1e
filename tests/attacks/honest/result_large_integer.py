class Solution:
    def power(self, n):
        return 2**n
