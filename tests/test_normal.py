"""The normal form makes spellings of one answer equal, and never two answers."""

import time
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evalkit.maths.normal import normal_form
from evalkit.maths.numerals import exact_number

INTEGERS = st.integers(-(10**12), 10**12)
DECIMALS = st.decimals(-1000, 1000, places=4, allow_nan=False)
DIGITS = st.from_regex(r"[1-9][0-9]{0,5}", fullmatch=True)
# What may stand between two numbers that are not to become one.
SEPARATORS = st.sampled_from(
    [", ", " ", "  ", r"\,", r"\ ", "~", r"\quad ", r"\qquad", ";", r"\; ", "^\\circ ", "°", "$ $", "$$",
     "$, $", r"\) \(", "\n", "/", ":", "e", r"\cdot ", "^", "-", r"\$", ".", ","]
)  # fmt: skip
TOKENS = st.sampled_from(
    [
        r"1",
        r"23",
        r",",
        r".",
        r"{,}",
        r"\,",
        r"\!",
        r"~",
        r"\frac",
        r"{",
        r"}",
        r"^",
        r"\cdot",
        r"\times",
        r"10",
        r"e",
        r"-",
        r"+",
        r"/",
        r"(",
        r")",
        r"\%",
        r"$",
        r"\$",
        r"°",
        r"\text{",
        r"x",
        r"\left",
        r"\\",
    ]
)

SAME = [
    ("0.5", r"\frac{1}{2}", r"\dfrac12", r"\tfrac{1}{2}", "1/2", ".5", "+0.50", "$0.5$", r"\(0.5\)", "0.5."),
    ("1234", "1,234", r"1{,}234", r"1,\!234", r"1\,234", "1 234", r"\$1,234.00", "1234.", "$1234", r"1234\ "),
    ("1234567", "1,234,567", "1 234 567"),
    ("3.83e35", r"3.83\times10^{35}", r"3.83 \cdot 10^{35}", r"38.3 \times 10^{34}", "3.83E35", r"3.83×10^{35}"),
    ("1e-8", r"10^{-8}", r"1 \times 10^{-8}"),
    ("-2", "−2", "- 2", r"-\frac{4}{2}", r"\frac{-4}{2}", "-2.0"),
    ("30", r"30^\circ", r"30^{\circ}", "30°", r"30\degree"),
    (r"(3,\frac{\pi}{2})", r"\left( 3, \frac{\pi}{2} \right)", r"\left(3,\dfrac{\pi}{2}\right)"),
    (r"\text{(C)}", "(C)", r"\textbf{(C)}"),
    (r"x \geq 2", r"x\ge2"),
    (r"62.5\%", "62.5%"),
]  # fmt: skip

DIFFERENT = [
    ("1 2", "12"),
    ("2 1/2", "21/2"),
    (r"5\quad 6", "56"),
    (r"5\quad 600", "5600"),
    ("$5$$6$", "56"),
    ("1, 234", "1234"),
    ("(1,234)", "1234"),
    ("12,34", "1234"),
    ("1,2345", "12345"),
    ("1,234 567", "1234567"),
    (r"30^\circ 15'", "3015'"),
    (r"1/2\cdot10^3", "1/2000"),
    (r"3^2\cdot10^{5}", "3^200000"),
    ("0.333...", "0.333"),
    ("50%", "50"),
    ("50%", "0.5"),
    (r"\frac{1}{23}", r"\frac123"),
    (r"2\frac{1}{2}", "1"),
    ("x_1", "x_{12}"),
    ("a", "A"),
    ("[1,2]", "(1,2)"),
    (r"52_8", "52"),
    ("-5", "5"),
    (r"\begin{pmatrix}1\\ 2\end{pmatrix}", r"\begin{pmatrix}1&2\end{pmatrix}"),
]  # fmt: skip


@pytest.mark.parametrize("spellings", SAME, ids=lambda one: one[0])
def test_spellings_of_one_answer_are_equal(spellings: tuple[str, ...]) -> None:
    """What differs only in the way LaTeX is written has one normal form."""
    assert len({normal_form(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_different_answers_differ(left: str, right: str) -> None:
    """Nothing that carries meaning is normalised away."""
    assert normal_form(left) != normal_form(right)


@given(left=DIGITS, separator=SEPARATORS, right=DIGITS)
def test_numbers_side_by_side_are_not_one_number(left: str, separator: str, right: str) -> None:
    """Two numbers are joined only as the thousands of one, by a comma or one space."""
    is_thousands = (
        len(left) <= 3 and len(right) == 3 and separator in (",", " ", r"\,", r"\ ", "~", "\n")
    )
    assume(not is_thousands)

    assert normal_form(left + separator + right) != normal_form(left + right)


@given(numbers=st.lists(INTEGERS, min_size=2, max_size=4))
def test_lists_are_not_numbers(numbers: list[int]) -> None:
    """A list written with a comma and a space stays a list, thousands or not."""
    assert exact_number(normal_form(", ".join(map(str, numbers)))) is None


@given(over=INTEGERS, under=st.integers(1, 10**6))
def test_fractions_have_their_exact_value(over: int, under: int) -> None:
    """Every spelling of a fraction is that fraction, to the last digit."""
    sign = "-" if over < 0 else ""
    spellings = (
        rf"\frac{{{over}}}{{{under}}}",
        rf"{sign}\dfrac{{{abs(over)}}}{{{under}}}",
        f"{over}/{under}",
    )

    assert {exact_number(normal_form(one)) for one in spellings} == {Fraction(over, under)}


@given(value=INTEGERS)
def test_thousands_have_their_exact_value(value: int) -> None:
    """Separators do not change an integer, with any of the usual signs."""
    spellings = (
        f"{value:,}",
        f"{value:,}".replace(",", r",\!"),
        f"{value:,}".replace(",", "{,}"),
        rf"\${value}",
    )

    assert {normal_form(one) for one in spellings} == {str(value)}


@given(value=DECIMALS, exponent=st.integers(-30, 30))
def test_powers_of_ten_have_their_exact_value(value: object, exponent: int) -> None:
    """Scientific notation in LaTeX and in Python is one number."""
    expected = Fraction(str(value)) * Fraction(10) ** exponent

    assert exact_number(normal_form(rf"{value} \times 10^{{{exponent}}}")) == expected
    assert exact_number(normal_form(f"{value}e{exponent}")) == expected


@given(tokens=st.lists(TOKENS, max_size=8))
def test_numbers_keep_their_digits(tokens: list[str]) -> None:
    """No token soup becomes an integer whose digits it does not write in this order."""
    text = "".join(tokens)
    number = exact_number(normal_form(text))
    computes = {r"\cdot", r"\times", r"\frac", "+", "-", r"\%"}
    is_plain = not set(text) & set("e^/.%") and not computes & set(tokens)

    assert (
        number is None
        or not is_plain
        or str(abs(number)) == "".join(filter(str.isdigit, text)).lstrip("0")
    )


@pytest.mark.parametrize(
    "text",
    ["1" * 10**6, "1," * 10**6, "1/" * 10**6, " " * 10**6, r"\text{" * 10**5, "10^{" + "1" * 10**6, "1.1" * 10**5,
     "1" + ",000" * 10**5 + "x", r"\frac" * 10**5, "{" * 10**6, "\\" * 10**6, r"\text" + " " * 10**6],
    ids=lambda text: f"{text[:8]}...",
)  # fmt: skip
def test_time_is_linear(text: str) -> None:
    """The normal form of a very long text takes a moment."""
    start = time.perf_counter()
    normal_form(text)

    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    "text", ["1/0", r"\frac{1}{0}", "x", "", "1/2/3", "1e9999", "1" * 500, "--1", "1e", "½"]
)
def test_other_texts_are_no_numbers(text: str) -> None:
    """What has no value, or would take long to write down, is left to the other rungs."""
    assert exact_number(text) is None
