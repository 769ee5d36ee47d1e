"""Functions of whole numbers and rationals, exact and within limits."""

import math
from fractions import Fraction
from typing import Any

Value = Any
"""Fraction, or mpf or mpc of an mpmath context; mpmath has no types."""

MAX_BITS = 60_000
"""Numbers with more are no longer computed exactly."""

_MAX_FACTORIAL = 3000


class UndefinedError(ArithmeticError):
    """An expression has no value, or none that can be computed within the limits."""


def exact_power(base: Fraction, exponent: Fraction) -> Fraction | None:
    """None for a power that is irrational or too long. Raises UndefinedError for `0^0`."""
    if exponent.denominator == 2 and base >= 0:
        over, under = math.isqrt(base.numerator), math.isqrt(base.denominator)
        if over * over != base.numerator or under * under != base.denominator:
            return None
        base, exponent = Fraction(over, under), exponent * 2
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if exponent.denominator != 1 or bits * abs(exponent) > MAX_BITS:
        return None
    if not base and exponent <= 0:
        raise UndefinedError("a power of zero")
    return base ** int(exponent)


def exact_factorial(value: Value) -> Fraction | None:
    """None for what is not whole, or too large."""
    if not _is_whole(value) or value > _MAX_FACTORIAL:
        return None
    if value < 0:
        raise UndefinedError("the factorial of a negative number")
    return Fraction(math.factorial(int(value)))


def exact_binomial(over: Value, under: Value) -> Fraction | None:
    """None for what is not whole, negative above, or too large."""
    if not (_is_whole(over) and _is_whole(under) and 0 <= over <= _MAX_FACTORIAL):
        return None
    return Fraction(math.comb(int(over), int(under)) if under >= 0 else 0)


def double_factorial(value: Value) -> Fraction:
    whole = _whole(value)
    if not 0 <= whole <= _MAX_FACTORIAL:
        raise UndefinedError("guard: the double factorial of a large number")
    return Fraction(math.prod(range(whole, 0, -2)))


def modulo(value: Value, modulus: Value) -> Fraction:
    if not isinstance(value, Fraction) or not isinstance(modulus, Fraction):
        raise UndefinedError("mod of an irrational number")
    return value % modulus


def gcd(*values: Value) -> Fraction:
    return Fraction(math.gcd(*map(_whole, values)))


def lcm(*values: Value) -> Fraction:
    return Fraction(math.lcm(*map(_whole, values)))


def num_bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _is_whole(value: Value) -> bool:
    return isinstance(value, Fraction) and value.denominator == 1


def _whole(value: Value) -> int:
    if not _is_whole(value):
        raise UndefinedError("not a whole number")
    return int(value)
