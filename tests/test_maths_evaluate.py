"""Values of expressions at points: exact, in mpmath's reals or complex numbers, or none."""

import cmath
import math
from fractions import Fraction

import pytest

from evalkit.maths.evaluate import Evaluator
from evalkit.maths.operations import Convention
from evalkit.maths.parser import parse
from evalkit.maths.spelling import one_spelling
from evalkit.maths.whole import UndefinedError


def evaluate(text: str, *, is_complex: bool = False, **point: Fraction) -> object:
    evaluator = Evaluator(point, digits=30, is_complex=is_complex)
    return evaluator.value(parse(one_spelling(text)))


EXACT = [
    ("1/3+1/6", Fraction(1, 2)),
    ("0.1+0.2", Fraction(3, 10)),
    ("2^{100}", Fraction(2**100)),
    ("2^{-3}", Fraction(1, 8)),
    (r"\sqrt{\frac{4}{9}}", Fraction(2, 3)),
    ("20!", Fraction(math.factorial(20))),
    (r"\binom{40}{20}", Fraction(math.comb(40, 20))),
    (r"\lfloor -7/2 \rfloor", Fraction(-4)),
    (r"\operatorname{lcm}(4,6)", Fraction(12)),
    (r"-7 \bmod 3", Fraction(2)),
]


@pytest.mark.parametrize(("text", "expected"), EXACT)
def test_rationals_stay_exact(text: str, expected: Fraction) -> None:
    """What is rational is computed in Fractions."""
    found = evaluate(text)

    assert isinstance(found, Fraction)
    assert found == expected


REAL = [
    (r"\pi", math.pi),
    ("e^2", math.exp(2)),
    (r"\ln 5", math.log(5)),
    (r"\log_{3} 5", math.log(5, 3)),
    (r"\lg 5", math.log10(5)),
    (r"\sin 1", math.sin(1)),
    (r"\sin^2 1", math.sin(1) ** 2),
    (r"\sin^{-1} 1", math.asin(1)),
    (r"\arctan 2", math.atan(2)),
    (r"\cot 1", 1 / math.tan(1)),
    (r"\sec 1", 1 / math.cos(1)),
    (r"\cosh 1", math.cosh(1)),
    (r"\sin 30^\circ", 0.5),
    (r"\tan\frac{\pi}{4}", 1.0),
    (r"\sqrt[3]{-8}", -2.0),
    ("(-8)^{1/3}", -2.0),
    (r"\sqrt{2}^{\sqrt{2}}", math.sqrt(2) ** math.sqrt(2)),
    ("0.5!", math.gamma(1.5)),
]


@pytest.mark.parametrize(("text", "expected"), REAL)
def test_real_values(text: str, expected: float) -> None:
    """As Python's math module computes them."""
    assert float(evaluate(text)) == pytest.approx(expected, rel=1e-14)  # type: ignore[arg-type]


COMPLEX = [
    ("i^2", -1),
    (r"\sqrt{-4}", 2j),
    (r"e^{i\pi/3}", cmath.exp(1j * math.pi / 3)),
    ("(2+i)(2-i)", 5),
    (r"\frac{1}{i}", -1j),
    ("|3+4i|", 5),
    (r"\ln(-1)", math.pi * 1j),
]


@pytest.mark.parametrize(("text", "expected"), COMPLEX)
def test_complex_values(text: str, expected: complex) -> None:
    """As Python's cmath module computes them."""
    assert complex(evaluate(text, is_complex=True)) == pytest.approx(expected)  # type: ignore[call-overload]


UNDEFINED = [
    "1/0",
    r"\frac{0}{0}",
    "0^0",
    "0^{-1}",
    r"\ln 0",
    r"\log 0",
    r"\ln(-1)",
    r"\sqrt{-1}",
    r"\arcsin 2",
    r"\operatorname{artanh} 1",
    r"\tan\frac{\pi}{0}",
    r"\cot 0",
    "(-1)!",
    r"\infty-\infty",
    "i",
    "9^{9^{9^{9}}}",
    "9^{-9^{9^{9}}}",
    "e^{e^{e^{e^{e}}}}",
    "((99!)!)!",
    "(10^{9})!!",
    r"\binom{10^{20}}{10^{19}}",
    r"\sin(10^{10^{5}})",
]


@pytest.mark.parametrize("text", UNDEFINED)
def test_no_value(text: str) -> None:
    """No value in the reals, or none within the limits: an error, never an infinity."""
    with pytest.raises(UndefinedError):
        evaluate(text)


def test_variables_have_the_values_of_the_point() -> None:
    """A variable without a value has none; so has a formula with it."""
    assert evaluate("x^2+y", x=Fraction(3), y=Fraction(1, 2)) == Fraction(19, 2)
    with pytest.raises(UndefinedError):
        evaluate("x^2+y", x=Fraction(3))


@pytest.mark.parametrize(("base", "expected"), [(None, math.log(100)), (10, 2.0)])
def test_the_base_of_log_is_a_convention(base: int | None, expected: float) -> None:
    """Natural, unless the convention says otherwise."""
    evaluator = Evaluator({}, digits=30, convention=Convention(log_base=base))

    assert float(evaluator.value(parse(r"\log 100"))) == pytest.approx(expected)


def test_digits_are_as_many_as_asked_for() -> None:
    """The value of a root to 60 digits, against integer arithmetic."""
    root = Evaluator({}, digits=60).value(parse(r"\sqrt{2}"))

    assert int(root * 10**55) == math.isqrt(2 * 10**110)
