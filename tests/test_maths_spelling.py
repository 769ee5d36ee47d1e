"""One spelling for many, plain numbers, commas between digits, words, and the letters of choices."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.maths.cheap import compare_cheaply
from evalkit.maths.commas import comma_readings
from evalkit.maths.numerals import exact_number
from evalkit.maths.spelling import one_spelling
from evalkit.maths.words import as_words, choice_of, is_choice

SAME = [
    ("$x+1$", "x+1"),
    (r"\(x\)", "x"),
    (r"\[x\]", "x"),
    (r"\dfrac{1}{2}", r"\frac{1}{2}"),
    (r"\left(1,2\right)", "(1,2)"),
    (r"\bigl(x\bigr)", "(x)"),
    (r"1{,}234", "1,234"),
    (r"1,\!234", "1,234"),
    (r"10\,000", "10000"),
    ("10 000", "10000"),
    (r"45^{\circ}", r"45^\circ"),
    ("45°", r"45^\circ"),
    ("−5", "-5"),
    ("2×3", "2*3"),
    ("x²", "x^{2}"),
    ("x₁₂", "x_{12}"),
    ("≤", r"\le "),
    (r"\\frac{1}{2}", r"\frac{1}{2}"),
    ("５", "5"),
    ("5.", "5"),
    (r"5\ ", "5"),
    ("x\n+\n1", "x + 1"),
]
DIFFERENT = [
    ("2 3", "23"),
    ("0.333...", "0.333"),
    (r"5\quad 6", "56"),
    ("1, 234", "1234"),
    ("10 00", "1000"),
    ("x^2", "x2"),
    ("-5", "5"),
    (r"3\text{ or }5", "35"),
    (r"\sin x", "s i n x"),
]


@pytest.mark.parametrize(("text", "other"), SAME)
def test_one_spelling(text: str, other: str) -> None:
    """What means the same is spelled the same."""
    assert one_spelling(text) == one_spelling(other)


@pytest.mark.parametrize(("text", "other"), DIFFERENT)
def test_other_spellings(text: str, other: str) -> None:
    """What means something else stays apart."""
    assert one_spelling(text) != one_spelling(other)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(text=st.text(max_size=60))
def test_a_spelling_is_made_of_any_text(text: str) -> None:
    """It raises nothing and leaves no run of spaces, dollars or spaces at the ends."""
    spelled = one_spelling(text)

    assert spelled == spelled.strip(" ")
    assert "$" not in spelled


NUMBERS = [
    ("7", 7),
    ("-007", -7),
    ("+7", 7),
    ("7.", 7),
    (".5", Fraction(1, 2)),
    ("3.83e35", 383 * 10**33),
    ("1E-2", Fraction(1, 100)),
    ("3/4", Fraction(3, 4)),
    ("-3/4", Fraction(-3, 4)),
    ("1./3", Fraction(1, 3)),
]


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_exact_number(text: str, expected: Fraction) -> None:
    """Integers, decimals, scientific notation and fractions on one line."""
    assert exact_number(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *["", "-", ".", "e5", "1e", "1/0", "1/2/3", "1.2.3", "1,234", "x", "0x10", "1_000", "--1"],
        *["nan", "inf", "1e9999", "9" * 500, "1 2", "3!", "1e1.5", "½"],
    ],
)
def test_no_exact_number(text: str) -> None:
    """Everything else, and numbers beyond the limits."""
    assert exact_number(text) is None


COMMAS = [
    ("1,234", False, {"1234", "1,234"}),
    ("1,234,567", False, {"1234567", "1,234,567"}),
    ("12,5", False, {"12,5", "12.5"}),
    ("12,5", True, {"12,5"}),
    ("1,2,3", False, {"1,2,3"}),
    ("(1,2)", False, {"(1,2)"}),
    ("1234", False, {"1234"}),
    ("3,0", False, {"3,0"}),
]


@pytest.mark.parametrize(("text", "is_gold", "expected"), COMMAS)
def test_commas_between_digits(text: str, is_gold: bool, expected: set[str]) -> None:
    """Thousands, separators, or, in an answer, a decimal comma."""
    assert set(comma_readings(text, is_gold=is_gold)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\text{Evelyn}", "evelyn"),
        ("The Red Ball.", "red ball"),
        (r"\textbf{an ellipse}", "ellipse"),
        ("x = 5", None),
        ("5 apples", None),
        (r"\frac", None),
        ("x", None),
    ],
)
def test_words(text: str, expected: str | None) -> None:
    """Folded, without articles and full stops; a text with digits or operators is no words."""
    assert as_words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("C", "C"), ("(C)", "C"), (r"\text{(C)}", "C"), ("c", "C"), ("C.", "C"), ("C. 12", "C")],
        *[
            ("(C) 12", "C"),
            ("Option C", "C"),
            ("12", None),
            ("AB", None),
            ("Cat", None),
            ("", None),
        ],
    ],
)
def test_the_letter_of_a_choice(text: str, expected: str | None) -> None:
    """Alone, in brackets, or with the text of its option."""
    assert choice_of(text) == expected


@pytest.mark.parametrize(
    ("gold", "expected"),
    [("C", True), ("(C)", True), (r"\text{(C)}", True), ("x", False), ("12", False), ("AB", False)],
)
def test_golds_that_are_choices(gold: str, expected: bool) -> None:
    """One capital letter of the first ten; a small letter is a variable."""
    assert is_choice(gold) is expected


CHEAP = [
    ("7", "7", True),
    ("7", "007", True),
    ("7", "7.0", True),
    ("7", "8", False),
    ("1234", "1{,}234", True),
    (r"\frac{1}{2}", r"$\dfrac{1}{2}$", True),
    (r"\text{blue}", "Blue", True),
    ("3.2e5", "320000", True),
    ("x+1", "1+x", None),
    ("0.5", "1/2", True),
    ("0.5", r"\frac12", None),
    ("x", "1" * 3000, False),
]


@pytest.mark.parametrize(("gold", "answer", "expected"), CHEAP)
def test_cheap_rungs(gold: str, answer: str, expected: bool | None) -> None:
    """Spelling and plain numbers decide without parsing; None where only meaning can tell."""
    found = compare_cheaply(gold, answer)

    assert (found and found.equal) is expected
