"""The numbers of a run: per task the metrics with intervals, shares and lengths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.code_data.errata import errata
from evalkit.metrics import (
    TokenStats,
    maj_at_k,
    mean_interval,
    pass_at_k,
    token_stats,
)
from evalkit.report.columns import Floats, Samples, load_samples, no_samples
from evalkit.spec import MATH_GRADERS

_RANGE = "range from all grader errors wrong to all correct"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number: `name` is "avg", "pass" or "maj". With grader errors `value` is absent: then low
    is the score with all of them wrong and high the score with all of them correct."""

    name: str
    k: int
    low: float
    high: float
    method: str
    value: float | None


@dataclass(frozen=True, slots=True)
class WithoutErrata:
    """The metrics without the graded problems that a right program can fail, which are named."""

    problem_ids: tuple[str, ...]
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """`n` is the largest number of graded samples of a problem.

    `truncated` is a share of all samples, and None where no sample says how it ended; `no_answer`
    is a share of the graded ones. `score_given_finished` is None with grader errors.
    `without_errata` is None where no graded problem has a known erratum.
    """

    name: str
    title: str
    num_problems: int
    num_problems_total: int
    n: int
    num_samples: int
    num_expected: int
    num_ungraded: int
    num_grader_errors: int
    metrics: tuple[Metric, ...]
    truncated: float | None
    no_answer: float | None
    score_given_finished: float | None
    tokens: TokenStats | None
    without_errata: WithoutErrata | None = None

    @property
    def is_complete(self) -> bool:
        return self.num_samples == self.num_expected and not self.num_ungraded

    @property
    def is_partial(self) -> bool:
        return self.num_problems < self.num_problems_total

    def metric(self, name: str, k: int) -> Metric | None:
        return next((one for one in self.metrics if (one.name, one.k) == (name, k)), None)


def summarise(task: str, entry: Mapping[str, Any], records: Path | None) -> TaskSummary:
    """`entry` is the task's part of the manifest; `records` its Parquet file, None without samples."""
    known_errata = sorted(errata()) if (entry.get("data") or {}).get("release") else []
    samples = load_samples(records, known_errata) if records else no_samples()
    graded = samples.graded()
    num_errors = int(samples.is_error.sum())
    known_tokens = samples.num_tokens[~np.isnan(samples.num_tokens)]
    counts = np.bincount(graded.problem)
    votes = entry["grader"] in MATH_GRADERS
    return TaskSummary(
        name=task,
        title=entry["title"],
        num_problems=entry["num_planned"],
        num_problems_total=entry["num_problems"],
        n=int(counts.max(initial=0)),
        num_samples=len(samples.problem),
        num_expected=entry["num_planned"] * entry["n"],
        num_ungraded=len(samples.problem) - len(graded.problem),
        num_grader_errors=num_errors,
        metrics=tuple(_metrics(graded, entry["ks"], votes=votes)),
        truncated=_mean(samples.is_truncated) if samples.has_finish_reason.any() else None,
        no_answer=_mean(graded.is_no_answer),
        score_given_finished=None if num_errors else _mean(graded.score[~graded.is_truncated]),
        tokens=token_stats(known_tokens) if len(known_tokens) else None,
        without_errata=_without_errata(graded, entry["ks"], known_errata, votes=votes),
    )


def _without_errata(
    graded: Samples, ks: list[int], known_errata: list[str], *, votes: bool
) -> WithoutErrata | None:
    is_sound = graded.erratum < 0
    if is_sound.all():
        return None
    return WithoutErrata(
        problem_ids=tuple(known_errata[code] for code in np.unique(graded.erratum[~is_sound])),
        metrics=tuple(_metrics(graded.only(is_sound), ks, votes=votes)),
    )


def _metrics(graded: Samples, ks: list[int], *, votes: bool) -> Iterator[Metric]:
    """avg over all samples; pass@k and maj@k where every problem has at least k of them."""
    counts = np.bincount(graded.problem)
    if not len(counts):
        return
    n = int(counts.max())
    usable = [k for k in sorted({*ks, n}) if 1 < k <= counts.min()]
    yield _metric(graded, "avg", n)
    for name in ("pass", "maj") if votes else ("pass",):
        for k in usable:
            yield _metric(graded, name, k)


def _metric(graded: Samples, name: str, k: int) -> Metric:
    if not graded.is_error.any():
        estimate = mean_interval(_values(graded, graded.score, name, k))
        return Metric(name, k, estimate.low, estimate.high, estimate.method, estimate.value)
    low, high = (
        float(_values(graded, np.where(graded.is_error, bound, graded.score), name, k).mean())
        for bound in (0.0, 1.0)
    )
    return Metric(name, k, low, high, _RANGE, None)


def _values(graded: Samples, score: Floats, name: str, k: int) -> Floats:
    """The metric of each problem."""
    num = np.bincount(graded.problem)
    if name == "pass":
        correct = np.bincount(graded.problem, weights=score == 1.0)
        return pass_at_k(num, correct.astype(int), k)
    if name == "maj":
        members = graded.by_problem()
        return np.array([maj_at_k(graded.vote[one], score[one], k) for one in members])
    values: Floats = np.bincount(graded.problem, weights=score) / num
    return values


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None
