import os
import sys
from io import BytesIO, IOBase


class FastIO(IOBase):
    newlines = 0

    def __init__(self, file):
        self._fd = file.fileno()
        self.buffer = BytesIO()
        self.writable = "x" in file.mode or "r" not in file.mode

    def readline(self):
        while self.newlines == 0:
            block = os.read(self._fd, max(os.fstat(self._fd).st_size, 8192))
            self.newlines = block.count(b"\n") + (not block)
            place = self.buffer.tell()
            self.buffer.seek(0, 2)
            self.buffer.write(block)
            self.buffer.seek(place)
        self.newlines -= 1
        return self.buffer.readline()


stdin = FastIO(sys.stdin)
n = int(stdin.readline())
print(sum(int(stdin.readline()) for _ in range(n)))
