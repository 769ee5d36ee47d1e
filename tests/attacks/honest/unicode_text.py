class Solution:
    def join(self, words):
        return " ".join(words)
