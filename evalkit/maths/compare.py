"""Compares an answer with the gold answer, from cheap rungs to dear ones.

1. `same text`, `same spelling`, `numbers`, `words`: see `cheap`.
2. `choice`: the gold is the letter of a multiple choice.
3. `time`: one is a time of day or a date.
4. `value`: both are parsed and compared by what they are; see `answers`.
5. `math-verify`: only where one of them uses notation that the parser leaves to it (sums, integrals,
   limits); it must find them equal in both orders.
6. `not a formula`: the texts differ, and one of them cannot be read.
"""

import time
from collections.abc import Iterator

from evalkit.maths.answers import Equality
from evalkit.maths.atoms import ForeignError
from evalkit.maths.cheap import compare_cheaply
from evalkit.maths.clock import same_moment
from evalkit.maths.extract import read_gold
from evalkit.maths.kinds import kind_of
from evalkit.maths.numerals import read_numeral
from evalkit.maths.parser import parse
from evalkit.maths.patience import TooSlowError
from evalkit.maths.scalars import EXACT, Tolerance
from evalkit.maths.spelling import comma_readings, one_spelling
from evalkit.maths.symbolic import are_equal
from evalkit.maths.tokens import UnreadableError
from evalkit.maths.tree import Node, names_in
from evalkit.maths.types import Comparison, Rung
from evalkit.maths.units import with_marked_units
from evalkit.maths.words import PHRASES, as_words, choice_of, is_choice

UNREADABLE = "not a formula"


def compare(
    gold: str, answer: str, *, rel_tolerance: float = 0.0, abs_tolerance: float = 0.0
) -> Comparison:
    """Never raises for what a model wrote; a gold that is no formula is compared as text.

    Both may stand in dollars, in a box, or behind a phrase such as "the answer is".

    The tolerances hold only for golds that are decimals or in scientific notation.
    """
    tolerance = Tolerance(rel_tolerance, abs_tolerance)
    result = _compare(gold, answer, tolerance)
    stated = read_gold(gold), read_gold(answer)
    if result.equal or stated == (gold, answer):
        return result
    return _compare(*stated, tolerance)


def _compare(gold: str, answer: str, tolerance: Tolerance) -> Comparison:
    for comparison in _rungs(gold, answer, tolerance):
        if comparison.equal is not None:
            return comparison
    raise AssertionError("unreachable")


def explain(
    gold: str, answer: str, *, rel_tolerance: float = 0.0, abs_tolerance: float = 0.0
) -> tuple[Comparison, list[Rung], str, str]:
    """As `compare`, with all rungs, also below the one that decides, and what gold and answer are."""
    rungs: list[Rung] = []
    start = time.perf_counter()
    result = Comparison(None, "")
    for comparison in _rungs(gold, answer, Tolerance(rel_tolerance, abs_tolerance)):
        now = time.perf_counter()
        rungs.append(Rung(comparison.rule, comparison.equal, now - start, comparison.detail))
        if result.equal is None:
            result = comparison
        start = time.perf_counter()
    return result, rungs, _kind(gold), _kind(answer)


def _rungs(gold: str, answer: str, tolerance: Tolerance) -> Iterator[Comparison]:
    """Each with `equal` None where it did not decide. The last one always does."""
    cheap = compare_cheaply(gold, answer)
    is_final = cheap is not None and (cheap.equal or cheap.rule == "guard" or tolerance == EXACT)
    yield cheap if cheap and is_final else Comparison(None, "spelling")
    if is_choice(gold):
        yield Comparison(choice_of(one_spelling(gold)) == choice_of(one_spelling(answer)), "choice")
    is_same = same_moment(one_spelling(gold), one_spelling(answer))
    if is_same is not None:
        yield Comparison(is_same, "time")
    yield _by_value(gold, answer, Equality(tolerance))
    yield _by_math_verify(gold, answer)


def _by_value(gold: str, answer: str, equality: Equality) -> Comparison:
    golds, gold_error = _readings(gold, is_gold=True)
    answers, answer_error = _readings(answer, is_gold=False)
    if golds and answers:
        is_same = any(equality.same(left, right) for left in golds for right in answers)
        return Comparison(is_same, "value")
    error = gold_error or answer_error
    is_foreign = isinstance(gold_error, ForeignError) or isinstance(answer_error, ForeignError)
    return Comparison(
        None if is_foreign else False, "value" if is_foreign else UNREADABLE, str(error)
    )


def _readings(text: str, *, is_gold: bool) -> tuple[list[Node], UnreadableError | None]:
    """What a text may mean: several things where commas between digits are ambiguous.

    In an answer, letters after a number and a space may be a unit that nobody marked.
    """
    spelled = one_spelling(text)
    words = as_words(spelled)
    if words in PHRASES:
        return [PHRASES[words]], None
    if numeral := read_numeral(spelled):
        return [numeral], None
    readings = list(comma_readings(spelled, is_gold=is_gold))
    if not is_gold and (marked := with_marked_units(spelled)):
        readings.append(marked)
    found: list[Node] = []
    first_error: UnreadableError | None = None
    for reading in readings:
        try:
            found.append(_parse(reading))
        except UnreadableError as error:
            first_error = first_error or error
    return found, None if found else first_error


def _parse(text: str) -> Node:
    """What foreign notation is said to be, where a number follows: `\\sum_{k=1}^n a_k = 5`."""
    try:
        return parse(text)
    except ForeignError:
        _, equals, last = text.rpartition("=")
        if not equals:
            raise
        try:
            value = parse(last)
        except UnreadableError:
            value = None
        if value is None or names_in(value):
            raise
        return value


def _by_math_verify(gold: str, answer: str) -> Comparison:
    try:
        is_same = are_equal(gold, answer)
    except TooSlowError:
        return Comparison(False, "guard", "Math-Verify found nothing out in time")
    return Comparison(is_same, "math-verify")


def _kind(text: str) -> str:
    nodes, error = _readings(text, is_gold=True)
    return kind_of(nodes[0]) if nodes else f"text ({error})"
