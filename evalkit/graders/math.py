"""Grades a mathematical answer: extract, then compare from cheap to dear."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from evalkit.graders.extract import extract
from evalkit.graders.normal import exact_number, normal_form
from evalkit.spec import MATH_GRADERS
from evalkit.types import Answer, Grade, Sample, Verdict

GRADERS = MATH_GRADERS

_MAX_LENGTH = 1000
_MAX_DEPTH = 12  # the parser takes exponential time; benchmarks and models reach 4


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether gold and answer are equal, and by which rule; `equal` is None where grading failed."""

    equal: bool | None
    rule: str
    detail: str = ""
    is_final: bool = True


def grade(
    target: Answer,
    sample: Sample,
    *,
    compare: Callable[[str, str], Comparison],
    look_into_unclosed_thinking: bool = False,
) -> Grade:
    start = time.perf_counter()
    found = extract(sample, look_into_unclosed_thinking=look_into_unclosed_thinking)
    if found.answer is None:
        comparison = Comparison(False, found.rule)
    else:
        comparison = compare(target.text, found.answer)
    return Grade(
        verdict=_verdict(comparison, found.answer),
        score=None if comparison.equal is None else float(comparison.equal),
        extracted=found.answer,
        rule=comparison.rule if found.answer is None else f"{found.rule}, {comparison.rule}",
        detail=comparison.detail,
        seconds=round(time.perf_counter() - start, 6),
    )


def compare_cheaply(gold: str, answer: str) -> Comparison:
    """Compares without SymPy. Not final where the spellings differ and only algebra can tell."""
    if answer != gold and (len(answer) > _MAX_LENGTH or _depth(answer) > _MAX_DEPTH):
        return Comparison(False, "guard: longer or deeper than an answer can be")
    left, right = normal_form(gold), normal_form(answer)
    if left == right:
        return Comparison(True, "normal form")
    if _are_far_apart(exact_number(left), exact_number(right)):
        return Comparison(False, "exact numbers")
    return Comparison(False, "normal form", is_final=False)


def _are_far_apart(gold: Fraction | None, answer: Fraction | None) -> bool:
    """Further than the rounding of one of them can explain; what is nearer, Math-Verify judges."""
    return gold is not None and answer is not None and abs(gold - answer) > abs(gold) / 10**6


def _verdict(comparison: Comparison, answer: str | None) -> Verdict:
    if comparison.equal is None:
        return Verdict.GRADER_ERROR
    if answer is None:
        return Verdict.NO_ANSWER
    return Verdict.CORRECT if comparison.equal else Verdict.WRONG


def _depth(text: str) -> int:
    deepest = depth = 0
    for char in text:
        if char in "{([":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "})]":
            depth -= 1
    return deepest
