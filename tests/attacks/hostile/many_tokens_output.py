import sys

input()
sys.stdout.write("1 " * 10_000_000)
