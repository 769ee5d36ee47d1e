"""Which of the ASPO paper's claims hold in runs of one's own: paired by seed, with intervals.

The claims and how each is measured are in `claims_measures`, the words in `claims_text`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.train.claims_measures import TrainedPolicy, claims_for
from evalkit.train.claims_paired import Finding, findings_of
from evalkit.types import UsageError, unknown

MARGIN = 0.02
"""How much lower an accuracy may be and still count as not lower: 2 points of 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsTable:
    """All findings, those about one baseline together; `margin` is that of the accuracy."""

    method: str
    baselines: tuple[str, ...]
    seeds: tuple[int, ...]
    num_steps: int
    num_problems: int
    margin: float
    findings: tuple[Finding, ...]


def compare_claims(
    policies: Sequence[TrainedPolicy],
    *,
    method: str,
    baselines: Sequence[str],
    margin: float = MARGIN,
) -> ClaimsTable:
    """Compares `method` with each baseline; all are names of algorithms among the runs.

    The accuracy is judged twice: against 0, and against -`margin` for not being lower by more than
    that. Raises UsageError unless every algorithm has the same seeds, once each, and all runs have
    the same steps and problems: what is left out of a comparison silently changes it.
    """
    by_name = {name: _by_seed(policies, name) for name in (method, *baselines)}
    _check_alike(by_name)
    seeds = tuple(by_name[method])
    some = by_name[method][seeds[0]]
    claims = claims_for([policy for runs in by_name.values() for policy in runs.values()])
    findings = [
        finding
        for name in baselines
        for claim in claims
        for finding in findings_of(claim, by_name[method], by_name[name], margin=margin)
    ]
    return ClaimsTable(
        method=method,
        baselines=tuple(baselines),
        seeds=seeds,
        num_steps=_last_step(some),
        num_problems=len(some.scores),
        margin=margin,
        findings=tuple(findings),
    )


def _by_seed(policies: Sequence[TrainedPolicy], name: str) -> dict[int, TrainedPolicy]:
    """The runs of one algorithm, seeds ascending."""
    runs = sorted((one for one in policies if one.run.algorithm == name), key=_seed)
    if not runs:
        raise unknown("algorithm", name, sorted({one.run.algorithm for one in policies}))
    by_seed = {_seed(one): one for one in runs}
    if len(by_seed) < len(runs):
        raise UsageError(f"{name} has a seed more than once; seeds: {[_seed(one) for one in runs]}")
    return by_seed


def _seed(policy: TrainedPolicy) -> int:
    return policy.run.seed


def _last_step(policy: TrainedPolicy) -> int:
    return int(max(series.steps[-1] for series in policy.run.metrics.values()))


def _check_alike(by_name: Mapping[str, Mapping[int, TrainedPolicy]]) -> None:
    (method, first), *others = by_name.items()
    for name, runs in others:
        if runs.keys() != first.keys():
            raise UsageError(f"{method} has the seeds {list(first)}, but {name} has {list(runs)}")
    model, *rest = [policy for runs in by_name.values() for policy in runs.values()]
    for one in rest:
        if _last_step(one) != _last_step(model):
            raise UsageError(
                f"{model.run.path} ends at step {_last_step(model)}, but {one.run.path} at step "
                f"{_last_step(one)}"
            )
        if one.scores.keys() != model.scores.keys():
            raise UsageError(f"{model.run.path} and {one.run.path} have scores of other problems")
