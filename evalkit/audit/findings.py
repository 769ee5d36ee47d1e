"""What is worth reading, and how many points hang on it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from evalkit.audit.groups import Group
from evalkit.audit.opinions import Opinion
from evalkit.types import Verdict

_THIS_RUN = "this run"


class Kind(StrEnum):
    """Why a grade is worth reading."""

    DISAGREEMENT = "disagreement"
    NOT_EXTRACTED = "not extracted"
    FLAGGED = "flagged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Samples of one problem with the same answer. `samples` are their indices.

    `points` is how much of the task's avg@k, out of 100, hangs on them; `detail` says who disagrees,
    where the right answer stands, or what the flags are.
    """

    kind: Kind
    problem_id: str
    gold: str
    answer: str | None
    verdict: Verdict
    rule: str
    points: float
    samples: tuple[int, ...]
    detail: str


def disagreements(judged: Iterable[tuple[Group, Opinion]]) -> Iterator[Finding]:
    """Where the graders, this run's among them, do not say the same, or the rungs do not."""
    for group, opinion in judged:
        graders = {_THIS_RUN: group.verdict is Verdict.CORRECT, **opinion.graders}
        votes = {"graders": graders, "rungs": opinion.rungs}
        split = [
            f"{who}: {_sides(vote)}" for who, vote in votes.items() if len(set(vote.values())) > 1
        ]
        if split:
            yield _finding(Kind.DISAGREEMENT, group, group.indices, "; ".join(split))


def _sides(votes: Mapping[str, bool]) -> str:
    sides = {
        word: ", ".join(name for name, vote in votes.items() if vote is side)
        for word, side in (("equal", True), ("different", False))
    }
    return " · ".join(f"{word} by {names}" for word, names in sides.items())


def found_in_texts(groups: Iterable[Group]) -> Iterator[Finding]:
    """Flagged extractions, and texts that end with the gold although they are not correct."""
    for group in groups:
        if group.flagged:
            flags = ", ".join(sorted(set(group.flagged.values())))
            yield _finding(Kind.FLAGGED, group, group.flagged, flags)
        if group.mentions:
            place = next(iter(group.mentions.values()))
            yield _finding(Kind.NOT_EXTRACTED, group, group.mentions, place)


def _finding(kind: Kind, group: Group, indices: Iterable[int], detail: str) -> Finding:
    samples = tuple(sorted(indices))
    return Finding(
        kind=kind,
        problem_id=group.problem_id,
        gold=group.gold.text,
        answer=group.answer,
        verdict=group.verdict,
        rule=group.rule,
        points=group.weight * len(samples),
        samples=samples,
        detail=detail,
    )
