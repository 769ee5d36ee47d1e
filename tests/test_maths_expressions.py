"""Equality of expressions: identities hold, near identities do not, and what has no value is not equal."""

import pytest

from evalkit.maths.expressions import points, same_expression
from evalkit.maths.parser import parse
from evalkit.maths.spelling import one_spelling


def same(left: str, right: str) -> bool:
    """The verdict, which must not depend on the order."""
    nodes = parse(one_spelling(left)), parse(one_spelling(right))
    verdicts = same_expression(*nodes), same_expression(*nodes[::-1])
    assert verdicts[0] is verdicts[1]
    return verdicts[0]


IDENTITIES = [
    (r"\sin^2 x+\cos^2 x", "1"),
    (r"\cos 2x", r"1-2\sin^2 x"),
    (r"\tan x", r"\frac{\sin x}{\cos x}"),
    (r"\sin(x+y)", r"\sin x\cos y+\cos x\sin y"),
    ("(a+b)(a-b)", "a^2-b^2"),
    ("(a+b)^3", "a^3+3a^2b+3ab^2+b^3"),
    (r"\frac{x^3-1}{x-1}", "x^2+x+1"),
    (r"\sqrt{7+4\sqrt{3}}", r"2+\sqrt{3}"),
    (r"\sqrt[3]{2+\sqrt{5}}+\sqrt[3]{2-\sqrt{5}}", "1"),
    (r"\cos\frac{\pi}{5}", r"\frac{1+\sqrt{5}}{4}"),
    (r"\arctan\frac{1}{2}+\arctan\frac{1}{3}", r"\frac{\pi}{4}"),
    (r"16\arctan\frac{1}{5}-4\arctan\frac{1}{239}", r"\pi"),
    (r"\ln x^3", r"3\ln x"),
    (r"e^{2\ln x}", "x^2"),
    ("4^n", "2^{2n}"),
    (r"\frac{(n+1)!}{(n-1)!}", "n(n+1)"),
    (r"\binom{n}{3}", r"\frac{n(n-1)(n-2)}{6}"),
    (r"\log_4 x", r"\frac{1}{2}\log_2 x"),
    (r"\sqrt{x}\sqrt{x}", "x"),
    (r"\max(a,b)", r"\frac{a+b+|a-b|}{2}"),
    ("|x|", r"\sqrt{x^2}"),
    ("2^{1000}", r"\frac{2^{1001}}{2}"),
    (r"(1+i)^2", "2i"),
    (r"\frac{\log 8}{\log 2}", "3"),
]
NEAR = [
    (r"\sin^2 x+\cos^2 x", "1.0000001"),
    (r"\cos 2x", r"1-2\sin^2 x+10^{-30}"),
    (r"\sqrt{7+4\sqrt{3}}", r"2+\sqrt{3.0000001}"),
    (r"16\arctan\frac{1}{5}-4\arctan\frac{1}{239}+10^{-40}", r"\pi"),
    (r"\cos\frac{\pi}{5}", r"\frac{1+\sqrt{5}}{4}+10^{-40}"),
    (r"e^{\pi\sqrt{163}}", "640320^3+744"),
    ("3987^{12}+4365^{12}", "4472^{12}"),
    ("2^{1000}", "2^{1000}+1"),
    (r"\frac{1}{2^{1000}}", r"\frac{1}{2^{1001}}"),
    ("2004!", "2005!"),
    ("10^{-100}", "0"),
    ("x+10^{-40}", "x"),
    ("|x|", "x"),
    ("|x-100|", "100-x"),
    (r"\lceil x\rceil", r"\lfloor x\rfloor+1"),
    (r"\lfloor x\rfloor", "x"),
    (r"\frac{x^2-1}{x-1}", "x-1"),
    ("(-1)^n", "1"),
    ("x(x-2)(x-3)(x-5)(x-7)", "0"),
    ("n!", "n^2"),
    (r"\sqrt{x+y}", r"\sqrt{x}+\sqrt{y}"),
    ("x^y", "y^x"),
    ("x_1", "x_2"),
]


@pytest.mark.parametrize(("left", "right"), IDENTITIES)
def test_identities_hold(left: str, right: str) -> None:
    """Equal at all points, exactly or to more than forty digits."""
    assert same(left, right)


@pytest.mark.parametrize(("left", "right"), NEAR)
def test_near_identities_do_not_hold(left: str, right: str) -> None:
    """A difference at one point is enough, however small."""
    assert not same(left, right)


@pytest.mark.parametrize(
    "text", [r"\frac{1}{0}", r"\ln 0", r"\infty-\infty", "10^{10^{10}}", "0^0"]
)
def test_without_a_value_equal_to_nothing(text: str) -> None:
    """Not to a number, not to a variable, and not to another formula without a value."""
    for other in ("0", "1", "73", "x", r"\frac{2}{0}", r"\frac{x}{0}"):
        assert not same(text, other)


@pytest.mark.parametrize(
    ("left", "right", "is_equal"),
    [
        (r"\log 100", "2", True),
        (r"\log x", r"\ln x", True),
        (r"\log x", r"\log_{10} x", True),
        (r"\log x", r"\log_2 x", False),
        (r"10\%", "0.1", True),
        (r"10\%", "10", True),
        (r"10\%", "1", False),
        (r"10\%", r"0.1\%", False),
    ],
)
def test_what_notation_leaves_open(left: str, right: str, is_equal: bool) -> None:
    """The base of log and the meaning of a percent sign that only one of them has."""
    assert same(left, right) is is_equal


@pytest.mark.parametrize("names", [["a", "b"], ["m", "n"], ["x", "x_1"], ["a", "b", "c"]])
def test_two_variables_have_either_order_at_some_of_the_points(names: list[str]) -> None:
    """Else `|a - b|` would be `a - b`."""
    orders = {point[names[0]] < point[names[-1]] for point in points(names)}

    assert orders == {True, False}
