import io
import sys

sys.stdout = buffer = io.StringIO()
a, b = map(int, input().split())
print(a + b)
sys.stdout = sys.__stdout__
sys.stdout.write(buffer.getvalue())
