"""One claim, one method and one baseline: the differences of the seeds and what they say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evalkit.curves.intervals import t_half_width
from evalkit.train.claims_measures import Claim, TrainedPolicy, accuracy


class Conclusion(StrEnum):
    """What the interval of the difference says of a claim; `claims_text` explains the words."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNCLEAR = "not distinguishable"
    UNTESTED = "not testable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One claim for `method` against `baseline`.

    Values are in the order of the seeds. `difference` is the mean over seeds of method -
    baseline; `low` and `high` are its 95 % t-interval, None where there is none. The claim holds
    where the whole interval is on the `better` side of `bound`.
    """

    claim: str
    measure: str
    better: Literal["higher", "lower"]
    baseline: str
    method_values: tuple[float, ...]
    baseline_values: tuple[float, ...]
    bound: float
    difference: float
    low: float | None
    high: float | None
    conclusion: Conclusion


def findings_of(
    claim: Claim,
    method: Mapping[int, TrainedPolicy],
    baseline: Mapping[int, TrainedPolicy],
    *,
    margin: float,
) -> Iterator[Finding]:
    """Both are by seed. One finding, or two of the accuracy, the second against -`margin`."""
    values = np.array([[claim.of(runs[seed]) for seed in method] for runs in (method, baseline)])
    name = next(iter(baseline.values())).run.algorithm
    yield _finding(claim, name, values, claim.text, bound=0.0)
    if claim.of is accuracy:
        text = f"{claim.text} by more than {margin:g}"
        yield _finding(claim, name, values, text, bound=-margin)


def _finding(
    claim: Claim, baseline: str, values: NDArray[np.float64], text: str, *, bound: float
) -> Finding:
    """`values` (2, S): those of the method, and of the baseline."""
    differences = values[0] - values[1]
    difference, low, high = float(differences.mean()), None, None
    if np.ptp(differences) > 1e-9 * np.abs(values).max():  # else rounding is all that differs
        half = float(t_half_width(differences))
        low, high = difference - half, difference + half
    return Finding(
        claim=text,
        measure=claim.measure,
        better=claim.better,
        baseline=baseline,
        method_values=tuple(values[0].tolist()),
        baseline_values=tuple(values[1].tolist()),
        bound=bound,
        difference=difference,
        low=low,
        high=high,
        conclusion=_conclude(low, high, bound, claim.better),
    )


def _conclude(
    low: float | None, high: float | None, bound: float, better: Literal["higher", "lower"]
) -> Conclusion:
    if low is None or high is None:
        return Conclusion.UNTESTED
    if low <= bound <= high:
        return Conclusion.UNCLEAR
    is_higher = low > bound
    return Conclusion.HOLDS if is_higher == (better == "higher") else Conclusion.FAILS
