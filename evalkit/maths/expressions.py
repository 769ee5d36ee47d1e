"""Whether two expressions are equal: at points where both have a value, exactly or to many digits.

Values that differ at one point refute. Rational functions are compared exactly; for all others
values that agree to 45 digits at every point are taken for equal. Where the difference is small, both are computed
again with twice the digits: what is lost to cancellation shrinks then, a real difference stays.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from evalkit.maths.decimals import is_rounded, noise_of
from evalkit.maths.evaluate import Evaluator, is_numeric
from evalkit.maths.operations import Convention
from evalkit.maths.tree import Call, Node, names_in, walk
from evalkit.maths.whole import UndefinedError, Value

_DIGITS = 60
_AGREEING = 1e-45
_SMALL = 1e-12
_NUM_POINTS = 3  # where both must have values
# What variables may be at a point: from, to; whole numbers where both ends are whole.
_RANGES = ((0.1, 0.9), (1.1, 5.9), (7.1, 60.9), (2, 12), (-4.9, -0.2), (-9.9, 9.9), (-9.9, 9.9))
_WHOLE = ((2, 9), (3, 12), (5, 20), (13, 40))
# Where long decimals do little harm, and where most functions with narrow domains have values.
_NARROW = ((0.1, 0.3), (0.3, 0.6), (0.6, 0.9), (-0.9, -0.1))
# Functions that are one thing here and another far away.
_FAR = ((100.0, 1000.0), (-1000.0, -100.0), (1e5, 1e7), (-1e7, -1e5))
_KINKED = frozenset(
    ("abs", "max", "min", "sgn", "floor", "ceil", "mod", "sqrt", "root", "gcd", "lcm")
)


def same_expression(gold: Node, answer: Node, *, noise: Fraction = Fraction(0)) -> bool:
    """Equal under one of the conventions that the notation leaves open.

    `noise` is a relative difference that counts as none.
    """
    if not (is_numeric(gold) and is_numeric(answer)):
        return False
    return any(_is_same(gold, answer, one, noise) for one in _conventions(gold, answer))


def _conventions(gold: Node, answer: Node) -> Iterator[Convention]:
    yield Convention()
    operators = [{_kind(one) for one in walk(node)} for node in (gold, answer)]
    if any("log" in found for found in operators):
        yield Convention(log_base=10)
    if ("%" in operators[0]) != ("%" in operators[1]):
        yield Convention(percent=Fraction(1))


def _kind(node: Node) -> str:
    if not isinstance(node, Call):
        return ""
    return node.operator if node.operator != "log" or len(node.args) == 1 else "log of a base"


def _is_same(gold: Node, answer: Node, convention: Convention, noise: Fraction) -> bool:
    names = sorted(names_in(gold) | names_in(answer))
    if not names:
        return _is_same_constant(gold, answer, convention, noise)
    noise = max(noise, noise_of(gold), noise_of(answer))
    usual = _RANGES + _FAR if _has_kinks(gold) or _has_kinks(answer) else _RANGES
    for ranges, is_complex in (
        *((usual, False), (usual + _NARROW, False)),
        *((_WHOLE, False), (_RANGES, True)),
    ):
        where = points(names, _NARROW if noise else ranges)
        verdict = _agree(gold, answer, where, convention, is_complex, noise)
        if verdict is not None:
            return verdict
    return False


def _has_kinks(node: Node) -> bool:
    return any(isinstance(one, Call) and one.operator in _KINKED for one in walk(node))


def _is_same_constant(gold: Node, answer: Node, convention: Convention, noise: Fraction) -> bool:
    for is_complex in (False, True):
        pair = _values(gold, answer, {}, convention, is_complex)
        if pair is not None:
            left, right = pair
            return _is_close(left, right, noise) or (
                not is_complex and is_rounded(gold, answer, left, right)
            )
    return False


def _agree(
    gold: Node,
    answer: Node,
    where: Iterable[Mapping[str, Fraction]],
    convention: Convention,
    is_complex: bool,
    noise: Fraction,
) -> bool | None:
    """None where there are too few points at which both have a value."""
    num_defined = 0
    for point in where:
        pair = _values(gold, answer, point, convention, is_complex)
        if pair is None:
            continue
        if not _is_close(*pair, noise):
            return False
        num_defined += 1
    return True if num_defined >= _NUM_POINTS else None


def _values(
    gold: Node,
    answer: Node,
    point: Mapping[str, Fraction],
    convention: Convention,
    is_complex: bool,
) -> tuple[Value, Value] | None:
    """Both values; None where one is not defined. With more digits where they nearly cancel."""
    pairs: list[tuple[Value, ...]] = []
    for digits in (_DIGITS, 2 * _DIGITS):
        evaluator = Evaluator(point, digits=digits, is_complex=is_complex, convention=convention)
        try:
            pairs.append(evaluator.values(gold, answer))
        except UndefinedError:
            return None
        left, right = pairs[-1]
        if _is_plain(left, right):
            return left, right
    rough, (left, right) = pairs
    return _or_zero(rough[0], left), _or_zero(rough[1], right)


def _is_plain(left: Value, right: Value) -> bool:
    """Whether more digits can change nothing: exact, equal, or far apart."""
    if isinstance(left, Fraction):
        return True
    difference, size = abs(left - right), max(abs(left), abs(right))
    return bool(difference <= size * _AGREEING or difference > max(size, 1) * _SMALL)


def _or_zero(rough: Value, value: Value) -> Value:
    """Zero for a value that is nothing but the rounding of a cancellation: it shrinks with more digits."""
    return 0 if abs(value) < abs(rough) * _AGREEING else value


def _is_close(left: Value, right: Value, noise: Fraction) -> bool:
    if left == right:
        return True
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return bool(noise) and abs(left - right) <= noise * max(abs(left), abs(right))
    allowed = max(float(noise), _AGREEING)
    return bool(abs(left - right) <= allowed * max(abs(left), abs(right)))


def points(
    names: list[str], ranges: Iterable[tuple[float, float]] = _RANGES
) -> Iterator[dict[str, Fraction]]:
    """Values for the variables, the same in every process.

    Any two variables have either order at some of the points.
    """
    for index, (low, high) in enumerate(ranges):
        values = sorted(_coordinate(f"{index}:{name}", low, high) for name in names)
        yield dict(zip(names, values if index % 2 else reversed(values), strict=True))


def _coordinate(seed: str, low: float, high: float) -> Fraction:
    """Never a root of odd order: with a denominator of 1024, powers of negative numbers have no value."""
    digest = hashlib.blake2b(seed.encode(), digest_size=4).digest()
    share = int.from_bytes(digest, "big") / 2**32
    if isinstance(low, int):
        return Fraction(int(low + share * (high - low)))
    return Fraction(2 * round((low + share * (high - low)) * 512) + 1, 1024)
