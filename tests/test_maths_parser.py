"""Reading of answers into trees: what binds tighter than what, and what is refused."""

from fractions import Fraction

import pytest

from evalkit.maths.atoms import ForeignError
from evalkit.maths.evaluate import Evaluator
from evalkit.maths.kinds import kind_of
from evalkit.maths.parser import parse
from evalkit.maths.spelling import one_spelling
from evalkit.maths.tokens import UnreadableError
from evalkit.maths.tree import Name, Node, Number, Words, names_in


def tree(text: str) -> Node:
    return parse(one_spelling(text))


VALUES = [
    ("2+3*4", 14),
    ("2-3-4", -5),
    ("2-3+4", 3),
    ("24/4/2", 3),
    ("24/4*2", 12),
    (r"24 \div 4 \cdot 2", 12),
    ("-2^2", -4),
    ("(-2)^2", 4),
    ("2^3^2", 512),
    ("{2^3}^2", 64),
    ("2^-1", Fraction(1, 2)),
    ("2^{-1}+1", Fraction(3, 2)),
    ("2**3", 8),
    ("3!", 6),
    ("-3!", -6),
    ("5!!", 15),
    ("1/2(4)", 2),
    (r"\frac12", Fraction(1, 2)),
    (r"\frac123", Fraction(3, 2)),
    (r"\frac{1}23", Fraction(3, 2)),
    (r"2\frac{1}{3}", Fraction(7, 3)),
    (r"2\frac{4}{3}", Fraction(8, 3)),
    (r"2\cdot\frac{1}{3}", Fraction(2, 3)),
    (r"\sqrt4+5", 7),
    (r"\sqrt{4+5}", 3),
    (r"2\sqrt9", 6),
    (r"\sqrt[3]{27}", 3),
    (r"\binom{5}{2}", 10),
    (r"\lfloor 3.7 \rfloor", 3),
    (r"\lceil -3.7 \rceil", -3),
    ("|3-5|", 2),
    ("|-2|-|-3|", -1),
    ("2|-3|", 6),
    (r"\left|1-\left|-3\right|\right|", 2),
    ("50%", Fraction(1, 2)),
    (r"7 \bmod 4", 3),
    (r"\gcd(12,18)", 6),
    (r"\max\{3,5,4\}", 5),
    (r"0.1\overline{6}", Fraction(1, 6)),
    ("1011_2", 11),
    ("1.5e3", 1500),
    (r"1.5\times10^{-3}", Fraction(3, 2000)),
    (r"3(2)(4)", 24),
    (r"(1+2)(3+4)", 21),
    (r"\sin 0 + 1", 1),
    (r"\log_2 8", 3),
    (r"\cos 0 \cdot 5", 5),
    (r"-(-(-2))", -2),
    ("+7", 7),
    (r"\frac{-\frac{1}{2}}{3}", Fraction(-1, 6)),
]


@pytest.mark.parametrize(("text", "expected"), VALUES)
def test_value(text: str, expected: Fraction) -> None:
    """Operators bind as in textbooks."""
    assert abs(Evaluator({}, digits=30).value(tree(text)) - expected) < 1e-25


NAMES = [
    ("xy", {"x", "y"}),
    (r"x_1 + x_{2}", {"x_1", "x_2"}),
    (r"\alpha\beta", {"alpha", "beta"}),
    ("x'", {"x'"}),
    (r"e^{i\pi}", set()),
    (r"\mathrm{e}", set()),
    (r"\sin x", {"x"}),
    (r"\sin(x)\cos y", {"x", "y"}),
    (r"\vec{a}", {"vec:a"}),
    ("2ab", {"a", "b"}),
    ("wxyz", {"w", "x", "y", "z"}),
]


@pytest.mark.parametrize(("text", "expected"), NAMES)
def test_variables(text: str, expected: set[str]) -> None:
    """Letters side by side are a product; subscripts, primes and accents belong to the name."""
    assert names_in(tree(text)) == expected


KINDS = [
    ("7", "whole number"),
    (r"\frac{1}{2}", "constant expression"),
    ("0.5", "decimal"),
    ("3.2e5", "number in scientific notation"),
    ("1011_2", "number in base 2"),
    ("x", "variable"),
    ("x+y", "expression in x, y"),
    ("(1,2)", "tuple or interval"),
    ("[1,2]", "list or interval"),
    ("[1,2)", "set of real numbers"),
    (r"\{1,2\}", "set"),
    ("1,2", "list"),
    ("x<2", "set of real numbers"),
    ("y=2x", "relation"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "matrix 2x2"),
    (r"\text{blue}", "words"),
    (r"5\text{ cm}", "quantity"),
    ("1:2", "ratio"),
]


@pytest.mark.parametrize(("text", "expected"), KINDS)
def test_kind(text: str, expected: str) -> None:
    """What an answer is said to be."""
    assert kind_of(tree(text)) == expected


UNREADABLE = [
    "",
    "{",
    "(1,2",
    "1)",
    "2^",
    "2+",
    r"\frac{1}",
    r"\sqrt",
    r"\sqrt[3",
    "3 4",
    "x=",
    "=",
    "1011_{99}",
    "2_2_2",
    r"\begin{pmatrix}1&2\\3\end{pmatrix}",
    r"\begin{tikzpicture}\end{tikzpicture}",
    r"\begin{pmatrix}1",
    r"1,2,\ldots,n",
    r"\left\{x : ",
    "x ? y",
    "\x00",
    "9" * 1500,
    "x" * 2500,
    "+1" * 900,
    "(" * 300 + "1" + ")" * 300,
    "{" * 300 + "1" + "}" * 300,
    "2^" * 300 + "2",
    "-" * 600 + "1",
    r"\sqrt" * 300 + "2",
    r"\frac1" * 300 + "2",
]


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: ascii(text)[:30])
def test_unreadable(text: str) -> None:
    """What is no formula, or too long or too deep for one, is refused with a reason."""
    with pytest.raises(UnreadableError, match=r"\w"):
        tree(text)


@pytest.mark.parametrize("text", [r"\sum_{k=1}^n k", r"\int_0^1 x dx", r"\lim_{x\to0} x"])
def test_foreign_notation(text: str) -> None:
    """Sums, integrals and limits are left to Math-Verify."""
    with pytest.raises(ForeignError):
        tree(text)


def test_words_are_no_product_of_letters() -> None:
    """Text is kept together and folded to lower case."""
    assert tree(r"\text{Evelyn}") == Words("evelyn")
    assert tree("x") == Name("x")


def test_numbers_remember_their_digits() -> None:
    """0.250 has three significant digits and three decimals; a whole number is exact."""
    assert tree("0.250") == Number(Fraction(1, 4), 3, 3)
    assert tree("250") == Number(Fraction(250))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "(" * 300 + "x" + ")" * 300,
            r"\log_" * 390,
            r"\mathbf" * 250 + "x",
            r"\sin^" * 300 + "x",
        ),
        *(r"\frac" * 300, r"\sqrt" * 300 + "2", "|" * 500 + "x", "f(" * 200 + "x" + ")" * 200),
        *("2^" + "-" * 700 + "5", "x" + "^x" * 390, r"\begin{pmatrix}" * 100, r"\pm" * 600 + "1"),
    ],
    ids=lambda text: text[:14],
)
def test_nesting_is_refused(text: str) -> None:
    """Whatever nests, the limit on depth comes before Python's own."""
    with pytest.raises(UnreadableError, match="guard"):
        tree(text)
