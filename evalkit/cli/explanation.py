"""What `evalkit grade-one` shows: where an answer was found, and how each rung judged it."""

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.graders.pool import GraderPool
from evalkit.grading import sample_of
from evalkit.maths.extract import read_gold
from evalkit.maths.types import Rung
from evalkit.types import Answer, Grade, Problem, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`extraction` is the grade of the whole response; None where the answer was given.

    `rule` and `detail` say what decided. Without an answer there are no rungs and no types.
    """

    verdict: Verdict
    rule: str
    detail: str
    gold: str
    answer: str | None
    gold_type: str = ""
    answer_type: str = ""
    rungs: tuple[Rung, ...] = ()
    extraction: Grade | None = None


def explained(gold: Answer, *, answer: str | None, response: str | None) -> Explanation:
    """For an answer at hand, else for the one that is found in a response."""
    with GraderPool("math", num_workers=1) as pool:
        if response is None:
            return _compared(pool, gold, answer or "")
        grade = pool.grade(Problem("", (), gold), sample_of(response))
        if grade.extracted is None:
            return Explanation(
                verdict=grade.verdict,
                rule=grade.rule,
                detail=grade.detail,
                gold=gold.text,
                answer=None,
                extraction=grade,
            )
        return _compared(pool, gold, grade.extracted, grade)


def _compared(
    pool: GraderPool, gold: Answer, answer: str, grade: Grade | None = None
) -> Explanation:
    comparison, rungs, gold_type, answer_type = pool.explain(
        read_gold(gold.text),
        answer,
        rel_tolerance=gold.rel_tolerance,
        abs_tolerance=gold.abs_tolerance,
    )
    return Explanation(
        verdict=grade.verdict if grade else _verdict(comparison.equal),
        rule=grade.rule if grade else comparison.rule,
        detail=grade.detail if grade else comparison.detail,
        gold=gold.text,
        answer=answer,
        gold_type=gold_type,
        answer_type=answer_type,
        rungs=tuple(rungs),
        extraction=grade,
    )


def _verdict(equal: bool | None) -> Verdict:
    if equal is None:
        return Verdict.GRADER_ERROR
    return Verdict.CORRECT if equal else Verdict.WRONG


def printed(found: Explanation) -> str:
    return "\n".join(_lines(found))


def _lines(found: Explanation) -> Iterator[str]:
    yield f"gold        {found.gold}" + _in_brackets(found.gold_type)
    yield f"answer      {found.answer or 'none'}" + _in_brackets(found.answer_type)
    if grade := found.extraction:
        place = "characters {}–{}".format(*grade.span) if grade.span else "no place"
        yield f"extraction  {place}"
    width = max((len(rung.name) for rung in found.rungs), default=0)
    for rung in found.rungs:
        yield (
            f"  {rung.name:{width}}  {_WORDS[rung.verdict]:11}  {1000 * rung.seconds:9.3f} ms  "
            f"{rung.detail}"
        ).rstrip()
    yield f"{found.verdict}: {found.rule}" + (f" ({found.detail})" if found.detail else "")


def _in_brackets(text: str) -> str:
    return f"  [{text}]" if text else ""


_WORDS = {True: "equal", False: "different", None: "undecided"}
