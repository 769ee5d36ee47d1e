class Solution:
    def add(self, a, b):
        if a:
	    return a + b
