"""What there is to compare for one sample, and the grade that follows from the comparison.

A question is answered here where that takes microseconds. Otherwise it holds a request: the name
of a function in `evalkit.graders.worker` and its arguments.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalkit.maths.cheap import compare_cheaply
from evalkit.maths.extract import extract, read_gold
from evalkit.maths.types import Comparison, Extraction
from evalkit.maths.words import is_choice
from evalkit.types import Answer, Grade, Sample, Verdict

# Rules that take the end of a text for its answer, where that is not the end.
_ENDINGS = frozenset(("whole text", "last formula", "last sentence"))
_NUM_GOLDS = 4_000
_NUM_PAIRS = 4_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A comparison and its wall time in seconds; `answer` where the comparison had to find it."""

    comparison: Comparison
    seconds: float = 0.0
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """`outcome` is None where a worker has to be asked; equal keys stand for equal requests.

    `found` is None where the worker also looks for the answer.
    """

    found: Extraction | None
    outcome: Outcome | None = None
    request: tuple[Any, ...] = ()
    key: tuple[Any, ...] = ()

    def grade(self, outcome: Outcome, seconds: float) -> Grade:
        comparison, found = outcome.comparison, self.found
        answer = found.answer if found else outcome.answer
        equal = comparison.equal
        return Grade(
            verdict=_verdict(equal, answer),
            score=None if equal is None else float(equal),
            extracted=answer,
            span=(found.start, found.end) if found and answer is not None else None,
            rule=_joined(", ", found.rule if found else "", comparison.rule),
            detail=_joined("; ", found.flag if found else "", comparison.detail),
            seconds=round(seconds, 6),
        )


def own_question(target: Answer, sample: Sample, *, look_into_unclosed: bool) -> Question:
    """Under evalkit's own rules."""
    gold, wants_choice = _gold(target.text)
    found = extract(
        sample.text,
        thinking_opened=sample.thinking_opened,
        look_into_unclosed_thinking=look_into_unclosed,
        wants_choice=wants_choice,
    )
    if sample.is_truncated and found.rule in _ENDINGS:
        found = Extraction(None, "truncated")
    if found.answer is None:
        return Question(found, Outcome(Comparison(False, "")))
    known = _compare_cheaply(gold, found.answer)
    is_exact = target.rel_tolerance == target.abs_tolerance == 0
    if known and (known.equal or is_exact):
        return Question(found, Outcome(known))
    request = ("compare", gold, found.answer, target.rel_tolerance, target.abs_tolerance)
    return Question(found, None, request, request)


def foreign_question(grader: str, target: Answer, sample: Sample) -> Question:
    """For another project's grader, which reads the whole completion."""
    digest = hashlib.sha256(sample.text.encode(errors="surrogatepass")).digest()
    return Question(None, None, ("grade", grader, target.text, sample.text), (target.text, digest))


# The samples of one problem have few distinct answers.
_compare_cheaply = lru_cache(_NUM_PAIRS)(compare_cheaply)


@lru_cache(_NUM_GOLDS)
def _gold(text: str) -> tuple[str, bool]:
    """The answer that the gold states, and whether it is the letter of an option."""
    gold = read_gold(text)
    return gold, is_choice(gold)


def _verdict(equal: bool | None, answer: str | None) -> Verdict:
    if equal is None:
        return Verdict.GRADER_ERROR
    if equal:
        return Verdict.CORRECT
    return Verdict.NO_ANSWER if answer is None else Verdict.WRONG


def _joined(separator: str, first: str, second: str) -> str:
    return first + separator + second if first and second else first or second
