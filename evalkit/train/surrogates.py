"""The loss of each token, to be minimised, from its ratio and advantage.

Only gradients are comparable across surrogates: a token whose weight is bounded softly carries the
value -A c log_prob, as in Archer2.0, so that the value jumps where the gradient does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from evalkit.train.algorithms import Algorithm


@dataclass(frozen=True, slots=True)
class Share:
    """Among which valid tokens a metric counts which; both (B, T) boolean."""

    of: Tensor
    among: Tensor


@dataclass(frozen=True, slots=True)
class TokenLosses:
    """Losses (B, T) before masking, and the shares of tokens that were clipped."""

    losses: Tensor
    shares: Mapping[str, Share]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The smallest and the largest ratio that counts, one for all tokens or (B, T)."""

    low: Tensor
    high: Tensor


def token_losses(
    algorithm: Algorithm, log_prob: Tensor, ratio: Tensor, advantages: Tensor, bounds: Bounds
) -> TokenLosses:
    """All tensors (B, T), of one floating dtype; the gradient goes through log_prob and ratio."""
    match algorithm.surrogate:
        case "clip":
            return _clip(algorithm, ratio, advantages, bounds)
        case "flip":
            return _flip(algorithm, log_prob, ratio, advantages, bounds)
        case "weight":
            return _weight(log_prob, ratio, advantages, bounds)


def clip_bounds(algorithm: Algorithm, low_entropy_mask: Tensor | None, like: Tensor) -> Bounds:
    """The bounds of each token's class, in the dtype of `like`.

    Raises ValueError if the algorithm has two classes and no mask (B, T) says which token is which.
    """
    low, high = like.new_tensor(algorithm.clip.low), like.new_tensor(algorithm.clip.high)
    if algorithm.high_entropy_clip is not None:
        if low_entropy_mask is None:
            raise ValueError("an algorithm with high_entropy_clip needs low_entropy_mask")
        is_low = low_entropy_mask.bool()
        low = torch.where(is_low, low, like.new_tensor(algorithm.high_entropy_clip.low))
        high = torch.where(is_low, high, like.new_tensor(algorithm.high_entropy_clip.high))
    return Bounds(1 - low, 1 + high)


def _clip(algorithm: Algorithm, ratio: Tensor, advantages: Tensor, bounds: Bounds) -> TokenLosses:
    """PPO's clip with the hard dual clip: `compute_policy_loss` of Archer2.0@b08d963."""
    free = -advantages * ratio
    clipped = -advantages * ratio.clamp(bounds.low, bounds.high)
    losses = torch.maximum(free, clipped)
    is_negative = advantages < 0
    ceiling = -advantages * algorithm.dual_clip_negative
    everywhere = torch.ones_like(is_negative)
    return TokenLosses(
        torch.where(is_negative, torch.minimum(losses, ceiling), losses),
        {
            "actor/pg_clipfrac": Share(clipped > free, everywhere),
            "actor/pg_clipfrac_lower": Share((losses > ceiling) & is_negative, everywhere),
        },
    )


def _flip(
    algorithm: Algorithm, log_prob: Tensor, ratio: Tensor, advantages: Tensor, bounds: Bounds
) -> TokenLosses:
    """ASPO: section 6 of 2510.06062v2, `compute_policy_loss_archer` of Archer2.0@b08d963.

    Its gradient in log_prob is -A w, with w = 0 where the ratio r is hard-clipped, else
    min(1/r, c) for A > 0 (equation 3) and min(r, c) for A < 0.
    """
    is_negative = advantages < 0
    clipped = torch.where(is_negative, ratio.clamp(min=bounds.low), ratio.clamp(max=bounds.high))
    flipped = clipped / clipped.detach().square()
    weight = torch.where(is_negative, clipped, flipped)
    most = torch.where(
        is_negative,
        ratio.new_tensor(algorithm.dual_clip_negative),
        ratio.new_tensor(algorithm.dual_clip_positive),
    )
    is_beyond = weight > most
    # An infinite bound must not meet the zero gradient of the branch that is not taken.
    bounded = -advantages * most.masked_fill(~is_beyond, 0) * log_prob
    everywhere = torch.ones_like(is_negative)
    return TokenLosses(
        torch.where(is_beyond, bounded, -advantages * weight),
        {
            "actor/pg_clipfrac_upper": Share(ratio > clipped, everywhere),
            "actor/pg_clipfrac_lower": Share(ratio < clipped, everywhere),
            "actor/negative_pg_clipfrac_dual": Share(is_beyond, is_negative),
            "actor/positive_pg_clipfrac_dual": Share(is_beyond, advantages > 0),
        },
    )


def _weight(log_prob: Tensor, ratio: Tensor, advantages: Tensor, bounds: Bounds) -> TokenLosses:
    """CISPO (2506.13585): a clipped weight that never stops the gradient."""
    weight = ratio.detach().clamp(bounds.low, bounds.high)
    is_clipped = weight != ratio
    return TokenLosses(
        -advantages * weight * log_prob,
        {"actor/pg_clipfrac": Share(is_clipped, torch.ones_like(is_clipped))},
    )
