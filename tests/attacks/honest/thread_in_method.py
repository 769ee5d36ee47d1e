from concurrent.futures import ThreadPoolExecutor


class Solution:
    def add(self, a, b):
        with ThreadPoolExecutor(2) as executor:
            return sum(executor.map(abs, [a, b])) if a >= 0 and b >= 0 else a + b
