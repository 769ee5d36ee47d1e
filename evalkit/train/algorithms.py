"""Algorithms as data: what each changes against the one that it is derived from.

Sources: GRPO and ASPO, arXiv 2510.06062v2 (its equation 1 and section 6) and
wizard-III/Archer2.0@b08d963; DAPO, arXiv 2503.14476; Dr. GRPO, 2503.20783; GSPO, 2507.18071;
CISPO, 2506.13585.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

from evalkit.types import UsageError

Aggregation = Literal[
    "token-mean",
    "seq-mean-token-sum",
    "seq-mean-token-mean",
    "seq-mean-token-sum-norm",
    "seq-mean-token-budget",
]
"""How token losses become one number; `evalkit.train.aggregation` has the formulas."""
Ratio = Literal["token", "one", "sequence", "positive-mean"]
"""What stands for new/old probability; `evalkit.train.ratios` has the formulas."""
Surrogate = Literal["clip", "flip", "weight"]
"""The loss of a token: PPO's clip, ASPO's flip, CISPO's clipped weight; `surrogates` has them."""
GroupFilter = Literal["keep", "drop", "refill"]
"""Groups that are solved by all or none: trained on, left out, or replaced by sampling others."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Ratios count between 1 - low and 1 + high."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """The rules of one algorithm. The defaults are GRPO as in Archer2.0's baseline."""

    surrogate: Surrogate = "clip"
    ratio: Ratio = "token"
    clip: Clip = Clip(0.2, 0.2)
    high_entropy_clip: Clip | None = None
    """For tokens above the quantile of their response's entropies; None: one clip for all."""
    entropy_quantile: float = 0.8
    dual_clip_negative: float = 3.0
    """The largest weight of a token with a negative advantage; infinite: no bound."""
    dual_clip_positive: float = math.inf
    """The same for positive advantages; only ASPO's flipped weights can exceed 1 + clip.high."""
    aggregation: Aggregation = "seq-mean-token-mean"
    divide_by_std: bool = True
    kl_coefficient: float = 0.001
    """Of the k3 penalty against the reference policy, added to the loss."""
    group_filter: GroupFilter = "keep"
    overlong_buffer: int = 0
    """Tokens before the maximum length in which the reward falls; 0: no penalty."""
    overlong_factor: float = 1.0

    def __post_init__(self) -> None:
        checks = {
            "clip": 0 <= self.clip.low <= 1 and self.clip.high >= 0,
            "entropy_quantile": 0 <= self.entropy_quantile <= 1,
            "dual_clip_negative": self.dual_clip_negative > 1,
            "dual_clip_positive": self.dual_clip_positive > 1,
            "kl_coefficient": 0 <= self.kl_coefficient < math.inf,
            "overlong_buffer": self.overlong_buffer >= 0,
            "overlong_factor": 0 <= self.overlong_factor < math.inf,
        }
        for name, is_valid in checks.items():
            if not is_valid:
                raise UsageError(f"algorithm: {name}={getattr(self, name)} is out of range")


GRPO = Algorithm()
DAPO = replace(
    GRPO,
    clip=Clip(0.2, 0.28),
    aggregation="token-mean",
    kl_coefficient=0.0,
    group_filter="refill",
    overlong_buffer=4096,  # of the paper's 20,480 tokens
)
# The bound 3 is from the paper's figures and the code; the text names none.
ASPO_PAPER = replace(GRPO, surrogate="flip", dual_clip_negative=3.0, dual_clip_positive=3.0)
ASPO_ARCHER2 = replace(
    ASPO_PAPER, high_entropy_clip=Clip(0.4, 0.4), group_filter="drop", overlong_buffer=16
)

ALGORITHMS = {
    "grpo": GRPO,
    "dapo": DAPO,
    "aspo-paper": ASPO_PAPER,
    "aspo-archer2": ASPO_ARCHER2,
    "grpo-no-is": replace(GRPO, ratio="one"),
    "grpo-pos-seq-is": replace(GRPO, ratio="positive-mean"),
    "aspo-no-dual-clip": replace(
        ASPO_PAPER, dual_clip_negative=math.inf, dual_clip_positive=math.inf
    ),
    "dr-grpo": replace(
        GRPO, aggregation="seq-mean-token-budget", divide_by_std=False, kl_coefficient=0.0
    ),
    "gspo": replace(GRPO, ratio="sequence", clip=Clip(3e-4, 4e-4), dual_clip_negative=math.inf),
    # No lower bound, and at most the 5 that TRL 1.16 recommends.
    "cispo": replace(DAPO, surrogate="weight", clip=Clip(1.0, 4.0), dual_clip_negative=math.inf),
}
