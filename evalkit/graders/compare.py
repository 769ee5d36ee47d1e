"""Compares what a program gave with what was expected: text of stdout, or values of functions.

The rules for text and the strict rules for values are those of the official LiveCodeBench harness
(testing_util.py at 28fef95). Nothing here runs code or trusts a length: what a program sends is data.
"""

import json
import math
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

_MAX_RATIO_DIGITS = 5000  # hexadecimal; reducing a fraction takes quadratic time
_MAX_INT_DIGITS = 4000  # Python refuses to parse more than 4,300
_LENGTH_RATIO = 20
_LENGTH_SLACK = 4096
_TOLERANCE = 1e-5


class _Unequal:
    """Stands for an object that no JSON value equals."""


def same_text(expected: str, actual: str) -> bool:
    """Line by line, outer blanks aside: equal as text, or equal as lists of exact decimals."""
    wanted, found = expected.strip(), actual.strip()
    if wanted.count("\n") != found.count("\n"):
        return False
    pairs = zip(wanted.split("\n"), found.split("\n"), strict=True)
    return all(_same_line(one.strip(), two.strip()) for one, two in pairs)


def same_value(expected: str, value: bytes, *, is_strict: bool) -> bool:
    """`expected` is JSON; `value` is typed JSON as the sandbox encodes it (runner/values.py).

    Strict: equal as Python values, where a tuple on top counts as a list. Otherwise tuples count as lists
    everywhere and numbers may differ by 1e-5, as LeetCode's statements allow.
    """
    if len(value) > _LENGTH_RATIO * len(expected) + _LENGTH_SLACK:
        return False
    try:
        found = _decoded(json.loads(value))
    except (ValueError, RecursionError, TypeError, LookupError, ArithmeticError):
        return False
    if isinstance(found, tuple):
        found = list(found)
    wanted = json.loads(expected, parse_int=_parse_int)
    return bool(wanted == found) if is_strict else _is_close(wanted, found)


def _same_line(one: str, two: str) -> bool:
    if one == two:
        return True
    wanted = one.split()
    found = two.split(None, len(wanted))  # what exceeds the expected number of words stays one text
    if len(wanted) != len(found):
        return False
    try:
        return [Decimal(word) for word in wanted] == [Decimal(word) for word in found]
    except InvalidOperation:
        return False


def _decoded(value: Any) -> Any:
    """Plain values of the typed JSON; raises for what is not of its form."""
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "t":
        return tuple(_decoded(one) for one in content)
    if kind == "d":
        return {_decoded(key): _decoded(one) for key, one in content}
    if kind == "i":
        return int(content, 16)
    if kind == "q" and max(map(len, content)) <= _MAX_RATIO_DIGITS:
        return Fraction(int(content[0], 16), int(content[1], 16))
    if kind == "f":
        return float(content)
    return _Unequal()


def _parse_int(digits: str) -> int:
    return int(digits) if len(digits) < _MAX_INT_DIGITS else int(Decimal(digits))


def _is_close(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, list) and isinstance(found, list | tuple):
        return len(wanted) == len(found) and all(map(_is_close, wanted, found))
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(_is_close(wanted[k], found[k]) for k in wanted)
    if isinstance(wanted, bool) or isinstance(found, bool):
        return bool(wanted == found)
    if isinstance(wanted, float) and isinstance(found, int | float | Fraction):
        return _is_near(wanted, found)
    return bool(wanted == found)


def _is_near(wanted: float, found: int | float | Fraction) -> bool:
    try:
        return math.isclose(wanted, found, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    except OverflowError:
        return False
