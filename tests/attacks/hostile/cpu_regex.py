import re

re.match(r"(x+x+)+y", "x" * 64)
