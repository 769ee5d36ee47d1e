class Solution:
    def add(self, a, b):
        return a + b


print(Solution().add(*map(int, input().split())))
