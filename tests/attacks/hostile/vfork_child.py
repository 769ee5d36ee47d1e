import _posixsubprocess
import posix
import sys

a, b = map(int, input().split())
try:
    posix.posix_spawn(sys.executable, ["python3", "-c", "import time; time.sleep(1000)"], {}, setsid=1)
except (OSError, NotImplementedError):
    posix.posix_spawn(sys.executable, ["python3", "-c", "import time; time.sleep(1000)"], {})
print(a + b)
