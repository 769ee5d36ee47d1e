class Solution:
    def add(self, a, b):
        print("adding", a, b)
        print('{"value": 0}')
        return a + b
