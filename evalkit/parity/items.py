"""What is graded by every way, and what a way says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.types import Grade, Problem, Sample, Verdict

COMPARED = ("verdict", "extracted", "span", "rule")
"""Equal by promise. `detail` may quote what a program prints, and `seconds` are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`score` is None where a way gave none; `detail` may say why.

    `said` has those of the COMPARED fields of a grade that the way tells.
    """

    score: float | None
    said: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A completion with what it is compared with. `where` is its place in the data.

    `prompt` is the text before the completion; it ends inside `<think>` exactly where
    `sample.thinking_opened`. `logged` is what the data say of it, None where they have no reward.
    """

    where: str
    problem: Problem
    sample: Sample
    grader: str
    prompt: str
    logged: Outcome | None


def outcome_of(grade: Grade) -> Outcome:
    said = {name: getattr(grade, name) for name in COMPARED}
    return Outcome(score=grade.score, said=said, detail=grade.detail)


def recorded_outcome(fields: Mapping[str, Any], score: float | None) -> Outcome:
    """What a line of JSON says of a grade. Raises ValueError for a verdict that does not exist."""
    said = {name: fields[name] for name in COMPARED if name in fields}
    if "verdict" in said:
        said["verdict"] = Verdict(said["verdict"])
    if said.get("span") is not None:
        said["span"] = tuple(said["span"])
    return Outcome(score=score, said=said, detail=str(fields.get("detail") or ""))
