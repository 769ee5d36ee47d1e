class Solution:
    def add(self, a, b):
        return True
