class Solution:
    def double(self, nums):
        while True:
            yield 0
