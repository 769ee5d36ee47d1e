"""The first rungs of a comparison, in microseconds and without parsing: spelling and plain numbers."""

from fractions import Fraction
from functools import lru_cache

from evalkit.maths.commas import comma_readings
from evalkit.maths.numerals import exact_number
from evalkit.maths.spelling import one_spelling
from evalkit.maths.types import Comparison
from evalkit.maths.words import as_words, bare_spelling

_MAX_CHARS = 2000
_NUM_GOLDS = 4_000


def compare_cheaply(gold: str, answer: str) -> Comparison | None:
    """None where only the meaning can tell."""
    if gold == answer:
        return Comparison(True, "same text")
    length = max(len(gold), len(answer))
    if length > _MAX_CHARS:
        return Comparison(False, "guard", f"{length:,} characters")
    expected, left = _gold_number(gold)
    value, right = _number(answer)
    if expected is not None and value is not None:
        return _compare_numbers(expected, value)
    if left == right or bare_spelling(left) == bare_spelling(right):
        return Comparison(True, "same spelling")
    words = as_words(left)
    if words is not None and words == as_words(right):
        return Comparison(True, "words")
    return None


def _compare_numbers(gold: Fraction, answer: Fraction) -> Comparison | None:
    """What is not whole may be rounded, or within a tolerance."""
    if gold == answer:
        return Comparison(True, "numbers")
    are_whole = gold.denominator == answer.denominator == 1
    return Comparison(False, "numbers") if are_whole else None


def _number(text: str) -> tuple[Fraction | None, str]:
    """The value of a plain number, and the text in one spelling."""
    spelled = one_spelling(text)
    reading, *_ = comma_readings(spelled)
    return exact_number(reading), spelled


@lru_cache(_NUM_GOLDS)
def _gold_number(gold: str) -> tuple[Fraction | None, str]:
    return _number(gold)
