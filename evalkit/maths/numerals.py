"""Numbers as they are written: decimals, powers of ten, mixed numbers, repeating decimals."""

import re
from fractions import Fraction

from evalkit.maths.tokens import UnreadableError
from evalkit.maths.tree import Call, Node, Number, Numeral

_MAX_DIGITS = 1000
_LARGEST_BASE = 36
_NUMERAL = re.compile(
    r"\(?([0-9a-zA-Z]{0,200}[0-9][0-9a-zA-Z]{0,200})\)? ?_ ?\{?\(?(\d{1,2})\)?\}?"
)


def read_number(text: str) -> Number:
    """Exact. A point or an exponent makes a decimal, whose digits were perhaps rounded."""
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > _MAX_DIGITS:
        raise UnreadableError(f"guard: a number of {len(mantissa)} digits")
    if exponent and abs(int(exponent)) > _MAX_DIGITS:
        raise UnreadableError(f"guard: the exponent {exponent}")
    whole, _, places = mantissa.partition(".")
    value = Fraction(int(whole + places or 0), 10 ** len(places)) * Fraction(10) ** int(
        exponent or 0
    )
    if not exponent and not places:
        return Number(value)
    digits = len((whole + places).lstrip("0")) or 1
    return Number(value, digits, len(places) - int(exponent or 0))


def read_numeral(text: str) -> Numeral | None:
    """A whole text such as `2516_8` or `(a5)_{16}`; None for others."""
    match = _NUMERAL.fullmatch(text)
    if match is None or not 2 <= int(match[2]) <= _LARGEST_BASE:
        return None
    digits = match[1].lower()
    is_valid = all(int(digit, 36) < int(match[2]) for digit in digits)
    return Numeral(digits, int(match[2])) if is_valid else None


def mixed_number(whole: Number, fraction: Node) -> Node:
    """`2\\frac58` is a sum where the fraction is a proper one of whole numbers, else a product."""
    match fraction:
        case Call("/", (Number(over), Number(under))) if over.denominator == under.denominator == 1:
            return Call("+" if 0 < over < under else "*", (whole, fraction))
        case _:
            return Call("*", (whole, fraction))


def repeating_decimal(start: str, period: str) -> Number:
    """`0.1` and `6` are 0.1666…"""
    if not period.isdecimal() or len(period) > _MAX_DIGITS:
        raise UnreadableError(f"the period {period!r}")
    whole, _, places = start.partition(".")
    head = Fraction(int(whole + places or 0), 10 ** len(places))
    tail = Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(places))
    return Number(head + tail)


_EXACT = re.compile(
    r"([+-]?)(?:(\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE]([+-]?\d{1,3}))?)(?:/(\d{1,400}))?"
)


def exact_number(text: str) -> Fraction | None:
    """The value of an integer, a decimal, `3.83e35` or `3/4`; None for anything else."""
    match = _EXACT.fullmatch(text)
    if match is None:
        return None
    sign, mantissa, exponent, under = match.groups()
    if under and not int(under):
        return None
    value = Fraction(mantissa + (f"e{exponent}" if exponent else "")) / int(under or 1)
    return -value if sign == "-" else value
