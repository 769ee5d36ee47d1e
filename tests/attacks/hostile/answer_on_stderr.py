import sys

print(eval(input().replace(" ", "+")), file=sys.stderr)
