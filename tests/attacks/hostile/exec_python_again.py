import sys
import posix

posix.execv(sys.executable, [sys.executable, "-c", "print('passed')"])
