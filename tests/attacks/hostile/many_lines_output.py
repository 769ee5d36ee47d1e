import sys

sys.stdout.write("1" + "\n" * 10_000_000 + "1")
