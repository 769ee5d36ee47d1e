class Solution:
    def add(self, a, b):
        return a + b


if __name__ == "__main__":
    print(Solution().add(1, 2))
