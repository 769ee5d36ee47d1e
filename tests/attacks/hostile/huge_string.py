class Solution:
    def join(self, words):
        return "x" * (1 << 28)
