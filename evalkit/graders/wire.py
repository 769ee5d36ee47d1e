"""The JSON of one item to grade and of its grade, as client and server of `POST /grade` have it."""

import json
import math
from dataclasses import asdict
from typing import Any

from evalkit.types import (
    Answer,
    CodeTests,
    Grade,
    InlineTests,
    Problem,
    RewardServerError,
    Sample,
    Target,
    Verdict,
)


def json_bytes(value: Any) -> bytes:
    """ASCII, so that lone surrogates survive. Raises ValueError for NaN and infinities."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")


def item_of(problem: Problem, sample: Sample, grader: str) -> dict[str, Any]:
    """What asks for the grade that `grader` gives in process.

    Tests in a store are named by task, problem and hash, since they may be megabytes: the server
    must have loaded `sample.task`, and refuses where its tests are others.
    """
    return {
        "grader": grader,
        **_target_of(problem.target, sample.task),
        "completion": sample.text,
        "thinking_opened": sample.thinking_opened,
        "finish_reason": sample.finish_reason,
    }


def grade_fields(grade: Grade) -> dict[str, Any]:
    """All fields of the grade, as `grade_of` reads them."""
    return {
        "verdict": grade.verdict.value,
        "score": grade.score,
        "extracted": grade.extracted,
        "span": grade.span,
        "rule": grade.rule,
        "detail": grade.detail,
        "seconds": grade.seconds,
    }


def grade_of(fields: Any) -> Grade:
    """The grade of a server's answer; keys that a grade does not have are passed over.

    Raises RewardServerError where a field is missing or cannot be what it says: a score that is
    not from 0 to 1, or not null exactly where the verdict is grader_error.
    """
    try:
        return Grade(
            verdict=Verdict(fields["verdict"]),
            score=_score(fields["score"]),
            extracted=_text(fields["extracted"]) if fields["extracted"] is not None else None,
            span=_span(fields["span"]),
            rule=_text(fields["rule"]),
            detail=_text(fields["detail"]),
            seconds=_number(fields["seconds"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RewardServerError(
            f"not a grade: {str(fields)[:200]} ({type(error).__name__}: {error})"
        ) from error


def _target_of(target: Target, task: str) -> dict[str, Any]:
    match target:
        case Answer(text, rel_tolerance, abs_tolerance):
            names = ("answer", "rel_tolerance", "abs_tolerance")
            return {"target": dict(zip(names, (text, rel_tolerance, abs_tolerance), strict=True))}
        case InlineTests():
            return {"target": asdict(target)}
        case CodeTests():
            return {"task": task, "problem_id": target.problem_id, "tests_sha256": target.sha256}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a finite number")
    return float(value)


def _score(value: Any) -> float | None:
    if value is None:
        return None
    if not 0 <= (score := _number(value)) <= 1:
        raise ValueError(f"the score {score} is not from 0 to 1")
    return score


def _span(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    start, end = value
    if not isinstance(start, int) or not isinstance(end, int):
        raise TypeError(f"{value!r} is not a span")
    return start, end
