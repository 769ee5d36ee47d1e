import logging
import sys
import warnings

logging.basicConfig(level=logging.DEBUG)
a, b = map(int, input().split())
logging.info("adding %d and %d", a, b)
warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
print("debug", file=sys.stderr)
print(a + b)
