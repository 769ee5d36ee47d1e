class Odd(BaseException):
    def __str__(self):
        raise ValueError("no text")

    __repr__ = __str__


raise Odd
