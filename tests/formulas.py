"""Random formulas for the tests of the mathematics grader: trees, their values, small changes.

Independent of the package: the values are what Python's own fractions and floats make of the trees.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import exp, log, sin, sqrt
from operator import add, mul, sub, truediv
from typing import Any

from hypothesis import strategies as st

VARIABLES = ("x", "y", "t")


@dataclass(frozen=True)
class Formula:
    """A number or a variable, which is a leaf, or an operator with its operands."""

    operator: str
    leaf: str = ""
    operands: tuple["Formula", ...] = ()


def _leaves(variables: tuple[str, ...]) -> st.SearchStrategy[Formula]:
    whole = st.integers(0, 30).map(str)
    decimal = st.integers(1, 999).map(lambda value: f"{value // 100}.{value % 100:02}")
    numbers = st.one_of(whole, whole, decimal).map(lambda text: Formula("number", text))
    if not variables:
        return numbers
    return st.one_of(numbers, st.sampled_from(variables).map(lambda name: Formula("name", name)))


def formulas(variables: tuple[str, ...] = (), max_leaves: int = 8) -> st.SearchStrategy[Formula]:
    """Rational functions with rational coefficients; some have no value for want of a divisor."""

    def extended(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
        binary = st.sampled_from(("+", "+", "-", "*", "*", "/"))
        return st.one_of(
            st.builds(lambda sign, *pair: Formula(sign, operands=pair), binary, inner, inner),
            inner.map(lambda one: Formula("neg", operands=(one,))),
            st.builds(lambda base, k: Formula("^", str(k), (base,)), inner, st.integers(1, 3)),
        )

    return st.recursive(_leaves(variables), extended, max_leaves=max_leaves)


_BINARY = {"+": add, "-": sub, "*": mul, "/": truediv}
_FUNCTIONS = {"sqrt": sqrt, "sin": sin, "ln": log, "exp": exp}


def with_functions(max_leaves: int = 6) -> st.SearchStrategy[Formula]:
    """As `formulas` in the variables, with one function of a formula in it."""
    rational = formulas(VARIABLES, max_leaves // 2)
    called = st.builds(
        lambda name, inner: Formula("call", name, (inner,)),
        st.sampled_from(sorted(_FUNCTIONS)),
        rational,
    )
    return st.builds(
        lambda sign, left, right: Formula(sign, operands=(left, right)),
        st.sampled_from(("+", "*")),
        called,
        rational,
    )


def value(formula: Formula, point: Mapping[str, Any], number: type = Fraction) -> Any:
    """In exact fractions, or in floats, which all functions need.

    Raises ZeroDivisionError, and in floats ValueError and OverflowError, where there is none.
    """
    inner = [value(one, point, number) for one in formula.operands]
    match formula.operator:
        case "number":
            return number(formula.leaf)
        case "name":
            return point[formula.leaf]
        case "neg":
            return -inner[0]
        case "^":
            return inner[0] ** int(formula.leaf)
        case "call":
            return _FUNCTIONS[formula.leaf](inner[0])
        case operator:
            return _BINARY[operator](*inner)


_PRIMES = (1009, 2003, 4001, 7919, 10007, 20011)


def are_identical(left: Formula, right: Formula) -> bool:
    """Whether both have the same values at six points too far out to be roots by chance.

    Raises ZeroDivisionError where one is undefined there, so that it is so everywhere.
    """
    points = [
        {name: Fraction(prime + 97 * index, 7 + index) for index, name in enumerate(VARIABLES)}
        for prime in _PRIMES
    ]
    return all(value(left, point) == value(right, point) for point in points)


def turned(formula: Formula) -> Formula:
    """The operands of all sums and products in the other order."""
    operands = tuple(map(turned, formula.operands))
    is_free = formula.operator in ("+", "*")
    return replace(formula, operands=operands[::-1] if is_free else operands)


def leaf_changes(formula: Formula) -> list[Formula]:
    """The formula with one leaf changed: a number one higher, a variable exchanged."""
    if not formula.operands:
        return [_other_leaf(formula)]
    return [
        replace(
            formula, operands=(*formula.operands[:index], changed, *formula.operands[index + 1 :])
        )
        for index, operand in enumerate(formula.operands)
        for changed in leaf_changes(operand)
    ]


def _other_leaf(leaf: Formula) -> Formula:
    if leaf.operator == "number":
        return Formula("number", str(Decimal(leaf.leaf) + 1))
    return Formula("name", VARIABLES[VARIABLES.index(leaf.leaf) - 1])


_POINTS = (
    {"x": 0.7, "y": 1.3, "t": 2.1},
    {"x": 0.31, "y": 0.57, "t": 0.83},
    {"x": 3.3, "y": 2.9, "t": 1.7},
    {"x": -0.6, "y": 1.9, "t": -2.4},
)


def values_differ(left: Formula, right: Formula) -> bool | None:
    """Whether floats show that they differ; None where they have no values in common."""
    pairs = [_approximate_pair(left, right, point) for point in _POINTS]
    found = [pair for pair in pairs if pair is not None]
    if not found:
        return None
    return any(abs(one - two) > 1e-6 * max(1, abs(one), abs(two)) for one, two in found)


def _approximate_pair(
    left: Formula, right: Formula, point: Mapping[str, float]
) -> tuple[float, float] | None:
    try:
        pair = value(left, point, float), value(right, point, float)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return pair if max(map(abs, pair)) < 1e12 else None
