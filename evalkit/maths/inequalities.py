"""Intervals, and the solutions of inequalities as lists of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from evalkit.maths.evaluate import Evaluator
from evalkit.maths.expressions import same_expression
from evalkit.maths.substitution import substituted
from evalkit.maths.tree import (
    INFINITY,
    MINUS_INFINITY,
    Call,
    Name,
    Node,
    Number,
    Relation,
    names_in,
)
from evalkit.maths.whole import UndefinedError

_FLIPPED = {"<": ">", ">": "<", "le": "ge", "ge": "le", "ne": "ne"}
_UNKNOWNS = frozenset(map(Name, "xyzt"))
_DIGITS = 30
_ORIGIN = Fraction(0)
_POINTS = (Fraction(-7, 3), Fraction(1, 5), Fraction(11, 3), Fraction(1009, 7), Fraction(-1009, 11))


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; `closed` says of each end whether it belongs to the set."""

    low: Node
    high: Node
    closed: tuple[bool, bool]


LINE = Interval(MINUS_INFINITY, INFINITY, (False, False))


def joined(parts: Iterable[list[Interval] | None]) -> list[Interval] | None:
    found: list[Interval] = []
    for part in parts:
        if part is None:
            return None
        found += part
    return found


def met(parts: list[list[Interval] | None]) -> list[Interval] | None:
    """The intersection of one half-line from below and one from above."""
    if len(parts) != 2 or any(part is None or len(part) != 1 for part in parts):
        return None
    (left,), (right,) = (part for part in parts if part is not None)
    if left.low == MINUS_INFINITY:
        left, right = right, left
    if left.high != INFINITY or right.low != MINUS_INFINITY:
        return None
    return [Interval(left.low, right.high, (left.closed[0], right.closed[1]))]


def without(whole: list[Interval] | None, points: Iterable[Node]) -> list[Interval] | None:
    """The line without some points, which must stand in order."""
    if whole != [LINE]:
        return None
    ends = [MINUS_INFINITY, *points, INFINITY]
    return [Interval(low, high, (False, False)) for low, high in pairwise(ends)]


def solutions(relation: Relation) -> list[Interval] | None:
    """Of a chain of inequalities with one variable on one side of each, or linear in it."""
    halves = [
        _half_line(operator, *sides)
        for operator, sides in zip(relation.operators, pairwise(relation.sides), strict=True)
    ]
    if len(halves) == 1:
        return halves[0]
    return met(halves)


def _half_line(operator: str, left: Node, right: Node) -> list[Interval] | None:
    if operator not in _FLIPPED:
        return None
    sides = [(operator, left, right), (_FLIPPED[operator], right, left)]
    for sign, name, end in sorted(sides, key=lambda side: side[1] not in _UNKNOWNS):
        if isinstance(name, Name) and name.name not in names_in(end):
            return _beside(sign, end)
    if isinstance(left, Call) and left.operator == "abs":
        return _around_zero(operator, left.args[0], right)
    return _linear(operator, Call("-", (left, right)))


def _around_zero(operator: str, inner: Node, bound: Node) -> list[Interval] | None:
    """The solutions of `|inner| operator bound`; bars within bars say nothing more."""
    while isinstance(inner, Call) and inner.operator == "abs":
        inner = inner.args[0]
    below = _half_line(operator, inner, bound)
    above = _half_line(_FLIPPED[operator], inner, Call("neg", (bound,)))
    return met([above, below]) if operator in ("<", "le") else joined([above, below])


def _beside(operator: str, end: Node) -> list[Interval]:
    """The solutions of `x operator end`."""
    if operator == "ne":
        return without([LINE], [end]) or []
    is_closed = operator in ("le", "ge")
    if operator in ("<", "le"):
        return [Interval(MINUS_INFINITY, end, (False, is_closed))]
    return [Interval(end, INFINITY, (is_closed, False))]


def _linear(operator: str, difference: Node) -> list[Interval] | None:
    names = names_in(difference)
    if len(names) != 1:
        return None
    (name,) = names
    at = {point: substituted(difference, name, Number(point)) for point in (_ORIGIN, *_POINTS)}
    slopes = [Call("/", (Call("-", (at[one], at[_ORIGIN])), Number(one))) for one in _POINTS]
    if not all(same_expression(slopes[0], other) for other in slopes[1:]):
        return None
    try:
        steepness = Evaluator({}, digits=_DIGITS).value(slopes[0])
    except UndefinedError:
        return None
    if not steepness:
        return None
    root = Call("neg", (Call("/", (at[_ORIGIN], slopes[0])),))
    return _beside(operator if steepness > 0 else _FLIPPED[operator], root)
