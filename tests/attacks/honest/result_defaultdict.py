from collections import defaultdict


class Solution:
    def counts(self, words):
        result = defaultdict(int)
        for word in words:
            result[word] += 1
        return result
