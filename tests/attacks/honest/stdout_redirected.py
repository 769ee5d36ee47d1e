import contextlib
import io

with contextlib.redirect_stdout(io.StringIO()) as buffer:
    print(sum(map(int, input().split())))
print(buffer.getvalue().strip())
