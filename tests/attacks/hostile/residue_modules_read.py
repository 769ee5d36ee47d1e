import heapq
import json
import random
import sys

a, b = map(int, input().split())
breach = [
    module.__file__
    for module in (heapq, json, random)
    if "/lib/python" not in module.__file__ and "/lib64/python" not in module.__file__
]
print(f"breach: {breach}" if breach or "usercustomize" in sys.modules else a + b)
