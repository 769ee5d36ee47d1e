"""Decimals that stand for values which they cannot state exactly."""

from fractions import Fraction

from evalkit.maths.tree import Call, Node, Number, walk
from evalkit.maths.whole import Value

_MIN_DIGITS = 6
_MIN_DIGITS_OF_GOLD = 5
_MIN_DECIMALS_OF_GOLD = 3
_MACHINE_DIGITS = 15  # as many as only a computer writes, with its rounding errors
_MACHINE_ERROR = Fraction(1, 10**11)
_MIN_DIGITS_WITHIN = 13


def as_decimal(node: Node) -> Number | None:
    """A decimal, with its sign and power of ten taken in: `-2.3 \\times 10^{-3}`. None for others."""
    match node:
        case Number(_, int(), _):
            return node
        case Call("neg", (inner,)):
            found = as_decimal(inner)
            return found and Number(-found.value, found.digits, found.decimals)
        case Call("*", (mantissa, Call("^", (Number(Fraction() as base), exponent)))) if base == 10:
            return _shifted(as_decimal(mantissa), _whole_exponent(exponent))
        case _:
            return None


def is_scientific(node: Node) -> bool:
    """A number with a power of ten, whose mantissa may be whole: `4 \\times 10^{33}`, `4e33`."""
    match node:
        case Call("neg", (inner,)):
            return is_scientific(inner)
        case Call("*", (Number(), Call("^", (Number(base), exponent)))):
            return base == 10 and _whole_exponent(exponent) is not None
        case Number(_, int(), decimals):
            return decimals < 0
        case _:
            return False


def _whole_exponent(node: Node) -> int | None:
    match node:
        case Number(value) if value.denominator == 1 and abs(value) < 1000:
            return int(value)
        case Call("neg", (Number(value),)) if value.denominator == 1 and abs(value) < 1000:
            return -int(value)
        case _:
            return None


def _shifted(mantissa: Number | None, exponent: int | None) -> Number | None:
    if mantissa is None or exponent is None:
        return None
    value = mantissa.value * Fraction(10) ** exponent
    return Number(value, mantissa.digits, mantissa.decimals - exponent)


def is_rounded(gold: Node, answer: Node, left: Value, right: Value) -> bool:
    """Whether one is a decimal that agrees with the other in each of its digits.

    A gold of five significant digits, three of them decimals, was rounded: what rounds to it is equal. A decimal
    stands for an exact value with six digits, rounded or cut off. Decimals with 15 are results of
    floating point, whose last digits may be wrong; only they, with 16, stand for whole numbers and for
    shorter decimals.
    """
    stated, given = as_decimal(gold), as_decimal(answer)
    if stated and given:
        longer, shorter = sorted((stated, given), key=_num_digits, reverse=True)
        if _num_digits(longer) > _MACHINE_DIGITS > _num_digits(shorter) + 2:
            return _approximates(longer, shorter.value)
        return longer is given and _was_rounded(stated) and _rounds_to(stated, right)
    if stated:
        return _approximates(stated, right) or (_was_rounded(stated) and _rounds_to(stated, right))
    return given is not None and _approximates(given, left)


def _num_digits(decimal: Number) -> int:
    return decimal.digits or 0


def _was_rounded(gold: Number) -> bool:
    return _num_digits(gold) >= _MIN_DIGITS_OF_GOLD and gold.decimals >= _MIN_DECIMALS_OF_GOLD


def _rounds_to(decimal: Number, value: Value) -> bool:
    half = Fraction(10) ** -decimal.decimals / 2
    return bool(abs(value - _like(decimal.value, value)) <= _like(half, value))


def _approximates(decimal: Number, exact: Value) -> bool:
    digits = _num_digits(decimal)
    if digits < (_MACHINE_DIGITS + 1 if _is_whole(exact) else _MIN_DIGITS):
        return False
    unit = Fraction(10) ** -decimal.decimals
    if digits >= _MACHINE_DIGITS:
        unit = max(unit, min(abs(decimal.value), Fraction(1)) * _MACHINE_ERROR)
    missing = (abs(exact) - abs(_like(decimal.value, exact))) / _like(unit, exact)
    return bool(exact * decimal.value.numerator > 0 and -0.5 <= missing < 1)


def _is_whole(value: Value) -> bool:
    return isinstance(value, Fraction) and value.denominator == 1


def _like(value: Fraction, other: Value) -> Value:
    if isinstance(other, Fraction):
        return value
    return other.context.mpf(value.numerator) / value.denominator


def noise_of(node: Node) -> Fraction:
    """What long decimals within an expression, as `2.71828182845905^x`, may be wrong by."""
    digits = [
        one.digits for one in walk(node) if isinstance(one, Number) and one.digits is not None
    ]
    longest = max(digits, default=0)
    return Fraction(1, 10 ** (longest - 3)) if longest >= _MIN_DIGITS_WITHIN else Fraction(0)
