class Solution:
    def join(self, words):
        return "\ud800\udfff\udc80"
