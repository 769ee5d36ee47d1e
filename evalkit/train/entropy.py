"""Which tokens of a response are of low and which of high entropy."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class EntropySplit:
    """Boolean masks (B, T), which share no token and together have every valid one."""

    thresholds: Tensor
    """The quantile of each row (B,), in nats; NaN for a row without valid tokens."""
    low: Tensor
    high: Tensor


def split_by_entropy(entropy: Tensor, mask: Tensor, quantile: float) -> EntropySplit:
    """Tokens of low entropy are those at or below the quantile of their row's valid tokens.

    `entropy` and `mask` are (B, T); the quantile interpolates linearly. As Archer2.0@b08d963,
    `verl/workers/actor/dp_actor.py`, where the names of the two masks are swapped.
    """
    mask = mask.bool()
    wide = entropy.detach().to(torch.promote_types(entropy.dtype, torch.float32))
    valid = wide.masked_fill(~mask, torch.nan)
    thresholds = valid.nanquantile(quantile, dim=1, keepdim=True)
    low = valid <= thresholds
    return EntropySplit(thresholds.squeeze(1), low, mask & ~low)
