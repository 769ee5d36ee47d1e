"""From rewards to advantages: the overlong penalty, the group filter, groups' means and spreads.

`rewards` are (B,), one per response; `groups` (B,) integers, equal for responses to one problem.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_EPSILON = 1e-6  # added to the standard deviation; Archer2.0 and verl


def group_advantages(rewards: Tensor, groups: Tensor, *, divide_by_std: bool = True) -> Tensor:
    """(R - mean) / (std + 1e-6) within each group, or R - mean; (B,), dimensionless.

    The standard deviation has Bessel's correction. Exactly 0 where all rewards of a group are
    equal. A group of one keeps its reward (mean 0, std 1), as `compute_grpo_outcome_advantage` of
    Archer2.0@b08d963. Raises ValueError for a reward that is not finite.
    """
    if not bool(rewards.isfinite().all()):
        raise ValueError("a reward is NaN or infinite")
    index, sizes = _numbered(groups)
    values = rewards.double()
    sums = values.new_zeros(len(sizes)).index_add(0, index, values)
    means = (sums / sizes).where(sizes > 1, 0.0)
    centred = values - means[index]
    if divide_by_std:
        squares = values.new_zeros(len(sizes)).index_add(0, index, centred.square())
        std = (squares / (sizes - 1)).sqrt().where(sizes > 1, 1.0)
        centred = centred / (std[index] + _EPSILON)
    is_equal = _are_equal(values, index, sizes)[index] & (sizes[index] > 1)
    dtype = rewards.dtype if rewards.is_floating_point() else torch.float32
    return centred.masked_fill(is_equal, 0.0).to(dtype)


def _are_equal(values: Tensor, index: Tensor, sizes: Tensor) -> Tensor:
    """Whether all values of a group are the same; (G,)."""
    start = values.new_zeros(len(sizes))
    least = start.scatter_reduce(0, index, values, "amin", include_self=False)
    most = start.scatter_reduce(0, index, values, "amax", include_self=False)
    return least == most


def _numbered(groups: Tensor) -> tuple[Tensor, Tensor]:
    """The position (B,) of each response's group among all groups, and the groups' sizes (G,)."""
    found: tuple[Tensor, Tensor, Tensor] = torch.unique(
        groups, return_inverse=True, return_counts=True
    )
    return found[1], found[2]


def per_token(advantages: Tensor, mask: Tensor) -> Tensor:
    """The advantage (B,) of a response at each of its valid tokens; (B, T)."""
    return advantages[:, None] * mask.bool()


def overlong_penalty(
    lengths: Tensor, *, max_length: int, buffer: int, factor: float = 1.0
) -> Tensor:
    """What is added to the reward of responses that run into the last `buffer` tokens.

    0 up to max_length - buffer tokens, then falling linearly to -factor at max_length: equation 13
    of DAPO (2503.14476). `lengths` are tokens, any shape. Raises ValueError unless
    1 <= buffer <= max_length.
    """
    if not 1 <= buffer <= max_length:
        raise ValueError(f"a buffer of {buffer} tokens does not fit into {max_length}")
    return (-(lengths - (max_length - buffer)) / buffer * factor).clamp(max=0.0)


@dataclass(frozen=True, slots=True)
class SolvedGroups:
    """Boolean (B,), equal for all responses of a group."""

    by_all: Tensor
    by_none: Tensor

    @property
    def kept(self) -> Tensor:
        return ~(self.by_all | self.by_none)


def solved_groups(rewards: Tensor, groups: Tensor) -> SolvedGroups:
    """Groups whose rewards are all exactly 1, and all exactly 0.

    As `rejection_sample` of Archer2.0@b08d963, after the overlong penalty: a group without a right
    answer but with one that is too long is kept.
    """
    index, sizes = _numbered(groups)

    return SolvedGroups(
        by_all=_hold_throughout(rewards == 1, index, sizes),
        by_none=_hold_throughout(rewards == 0, index, sizes),
    )


def _hold_throughout(facts: Tensor, index: Tensor, sizes: Tensor) -> Tensor:
    """Whether a fact (B,) holds for every response of the group that each is in; (B,)."""
    hits = torch.zeros_like(sizes).index_add(0, index, facts.to(sizes.dtype))
    return (hits == sizes)[index]
