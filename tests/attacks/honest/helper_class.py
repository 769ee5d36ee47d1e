class Node:
    def __init__(self, value, rest=None):
        self.value, self.rest = value, rest


class Solution:
    def add(self, a, b):
        return total(Node(a, Node(b)))


def total(node):
    return node.value + total(node.rest) if node else 0
