"""Compares an answer with the gold answer, from cheap rungs to dear ones.

1. `same text`, `same spelling`, `numbers`, `words`: see `cheap`.
2. `choice`: the gold is the letter of a multiple choice.
3. `time`: one is a time of day or a date.
4. `value`: both are parsed and compared by what they are; see `answers`.
5. `other variables`, `math-verify`: only where one of them uses notation that the parser leaves to
   Math-Verify (sums, integrals, limits); it must find them equal in both orders.
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
from evalkit.maths.patience import TooSlowError
from evalkit.maths.readings import readings
from evalkit.maths.scalars import EXACT, Tolerance
from evalkit.maths.spelling import one_spelling
from evalkit.maths.symbolic import are_equal, free_letters
from evalkit.maths.tree import letters_in
from evalkit.maths.types import Comparison, Rung
from evalkit.maths.words import choice_of, is_choice

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
    tolerance = Tolerance(rel_tolerance, abs_tolerance)
    if not _compare(gold, answer, tolerance).equal:
        gold, answer = read_gold(gold), read_gold(answer)
    rungs: list[Rung] = []
    result = Comparison(None, "")
    start = time.perf_counter()
    for comparison in _rungs(gold, answer, tolerance):
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
    golds, gold_error = readings(gold, is_gold=True)
    answers, answer_error = readings(answer, is_gold=False)
    if golds and answers:
        is_same = any(equality.same(left, right) for left in golds for right in answers)
        return Comparison(is_same, "value")
    error = gold_error or answer_error
    is_foreign = isinstance(gold_error, ForeignError) or isinstance(answer_error, ForeignError)
    return Comparison(
        None if is_foreign else False, "value" if is_foreign else UNREADABLE, str(error)
    )


def _by_math_verify(gold: str, answer: str) -> Comparison:
    nodes, _ = readings(gold, is_gold=True)
    if nodes and not free_letters(answer) <= frozenset().union(*map(letters_in, nodes)):
        return Comparison(False, "other variables")
    try:
        is_same = are_equal(gold, answer)
    except TooSlowError:
        return Comparison(False, "guard", "Math-Verify found nothing out in time")
    return Comparison(is_same, "math-verify")


def _kind(text: str) -> str:
    nodes, error = readings(text, is_gold=True)
    return kind_of(nodes[0]) if nodes else f"text ({error})"
