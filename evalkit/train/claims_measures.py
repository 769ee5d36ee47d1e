"""The claims of the ASPO paper, each measured by one number of one training run.

The paper (arXiv 2510.06062v2, its figures of the training dynamics and appendix D) shows curves and
says "higher", "slower", "steadier"; the numbers are ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from evalkit.curves.read import TOTAL_CLIP_SHARE, Floats, TrainingRun
from evalkit.types import RunError

ENTROPY = "actor/entropy"
REPETITION = "token/repetition_ratio"
KLS = ("actor/kl_loss", "actor/ppo_kl")


@dataclass(frozen=True, slots=True)
class TrainedPolicy:
    """A finished training run, and the mean score of each problem under its final checkpoint."""

    run: TrainingRun
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Claim:
    """`better` is the direction in which the paper says that ASPO's measure differs."""

    text: str
    measure: str
    better: Literal["higher", "lower"]
    of: Callable[[TrainedPolicy], float]


def claims_for(policies: Sequence[TrainedPolicy]) -> list[Claim]:
    """All with the same KL: against the reference, where every run logs it, as in the paper."""
    kl = next(
        (one for one in KLS if all(one in policy.run.metrics for policy in policies)), KLS[-1]
    )
    return [
        Claim("accuracy not lower", "avg@k of the final checkpoint", "higher", accuracy),
        Claim(
            "entropy falls more slowly",
            f"mean of {ENTROPY} over all steps, divided by its first value",
            "higher",
            remaining_entropy,
        ),
        Claim(
            "lower repetition",
            f"mean of {REPETITION} over the last quarter of the steps",
            "lower",
            final_repetition,
        ),
        Claim(
            "steadier KL",
            f"standard deviation of the changes of {kl} from step to step",
            "lower",
            partial(unsteadiness, metric=kl),
        ),
        Claim(
            "steadier clip ratio",
            "standard deviation of the changes of the share of clipped tokens from step to step",
            "lower",
            partial(unsteadiness, metric=TOTAL_CLIP_SHARE),
        ),
    ]


def accuracy(policy: TrainedPolicy) -> float:
    """The mean over problems: what the paper's tables compare, at the end and not at the best step."""
    return float(np.mean(list(policy.scores.values())))


def remaining_entropy(policy: TrainedPolicy) -> float:
    """The area under the curve of the entropy, as a share of what it were without any fall.

    It uses every step, so that the noise of the last ones counts little. All start from the same
    policy, but the first batch differs from seed to seed: the division takes that out.
    """
    entropy = _values(policy.run, ENTROPY)
    if entropy[0] <= 0:
        raise RunError(
            f"{policy.run.path}: {ENTROPY} is {entropy[0]:g} at the first step and cannot fall"
        )
    return float(entropy.mean() / entropy[0])


def final_repetition(policy: TrainedPolicy) -> float:
    """Repetition comes late, with collapse; a quarter of the steps averages the noise of one."""
    ratio = _values(policy.run, REPETITION)
    return float(ratio[-max(1, len(ratio) // 4) :].mean())


def unsteadiness(policy: TrainedPolicy, metric: str) -> float:
    """The standard deviation of the changes: a curve that rises or falls evenly is steady.

    In the metric's own unit: a curve at a lower level is often steadier for that alone.
    """
    changes = np.diff(_values(policy.run, metric))
    if len(changes) < 2:
        raise RunError(f"{policy.run.path}: {metric} has {len(changes) + 1} values; 3 are needed")
    return float(changes.std(ddof=1))


def _values(run: TrainingRun, metric: str) -> Floats:
    if metric not in run.metrics:
        raise RunError(f"{run.path} has no {metric}; it has: {', '.join(sorted(run.metrics))}")
    return run.metrics[metric].values
