class Solution:
    def addd(self, a, b):
        return a + b
