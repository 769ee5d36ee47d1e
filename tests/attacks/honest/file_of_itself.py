import os
import sys

a, b = map(int, input().split())
print(a + b if os.path.isabs(os.path.abspath(__file__)) and len(sys.argv) == 1 else "no file")
