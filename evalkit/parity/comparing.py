"""Compares what several ways say of the same completions, item by item, with the first of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from evalkit.parity.items import COMPARED, Item, Outcome
from evalkit.parity.ways import Way

_SAME = 1e-6
"""Scores as near as that are equal: trainers log them in single precision."""

Watch = Callable[[str, int], None]
"""Is told the name of a way, and of how many more items that has said something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`fields` are those that differ; empty where a side has no score, which is compared with nothing."""

    way: str
    item: Item
    reference: Outcome
    other: Outcome
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts of items. `num_unscored`: one side or both have no score.

    `largest` is the largest difference of two scores, `mean` the mean score where there is one;
    both are None where there are no scores.
    """

    way: str
    num_items: int
    num_equal: int
    num_different: int
    num_unscored: int
    largest: float | None
    mean: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`summaries` begin with the reference, compared with itself."""

    summaries: tuple[Summary, ...]
    differences: tuple[Difference, ...]


def compare(ways: Sequence[Way], items: Sequence[Item], watch: Watch) -> Comparison:
    """The first way is the reference. Raises RewardServerError where a server is lost on the way."""
    outcomes = {way.name: list(_watched(way, items, watch)) for way in ways}
    reference = outcomes[ways[0].name]
    found = {
        name: list(_differences(name, items, reference, others))
        for name, others in outcomes.items()
    }
    summaries = [
        _summary(name, reference, others, found[name]) for name, others in outcomes.items()
    ]
    return Comparison(tuple(summaries), tuple(one for way in ways[1:] for one in found[way.name]))


def _watched(way: Way, items: Sequence[Item], watch: Watch) -> Iterator[Outcome]:
    for some in way.outcomes(items):
        watch(way.name, len(some))
        yield from some


def _differences(
    way: str, items: Sequence[Item], reference: Sequence[Outcome], others: Sequence[Outcome]
) -> Iterator[Difference]:
    for item, first, other in zip(items, reference, others, strict=True):
        distance = _distance(first, other)
        fields = () if distance is None else tuple(_differing(first, other, distance))
        if fields or distance is None:
            yield Difference(way=way, item=item, reference=first, other=other, fields=fields)


def _differing(first: Outcome, other: Outcome, distance: float) -> Iterator[str]:
    if distance > _SAME:
        yield "score"
    for name in COMPARED:
        if name in first.said and name in other.said and first.said[name] != other.said[name]:
            yield name


def _distance(first: Outcome, other: Outcome) -> float | None:
    if first.score is None or other.score is None:
        return None
    return abs(first.score - other.score)


def _summary(
    way: str,
    reference: Sequence[Outcome],
    others: Sequence[Outcome],
    differences: Sequence[Difference],
) -> Summary:
    num_unscored = sum(not one.fields for one in differences)
    distances = [_distance(*pair) for pair in zip(reference, others, strict=True)]
    known = [one for one in distances if one is not None]
    scores = [one.score for one in others if one.score is not None]
    return Summary(
        way=way,
        num_items=len(others),
        num_equal=len(others) - len(differences),
        num_different=len(differences) - num_unscored,
        num_unscored=num_unscored,
        largest=max(known, default=None),
        mean=fmean(scores) if scores else None,
    )
