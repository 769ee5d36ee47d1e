import builtins
import sys

sys.modules["residue"] = builtins.residue = sys


class Solution:
    def add(self, a, b):
        return a + b
