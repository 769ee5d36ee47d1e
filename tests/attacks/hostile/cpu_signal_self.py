import os
import posix

posix.kill(os.getpid(), 24)
