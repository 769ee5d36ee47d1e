"""The policy loss of a batch, or of a micro-batch as a part of its optimizer step."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from evalkit.train.aggregation import StepSize, aggregate
from evalkit.train.algorithms import Algorithm
from evalkit.train.ratios import importance_ratios, log_ratios
from evalkit.train.surrogates import TokenLosses, clip_bounds, token_losses


@dataclass(frozen=True, slots=True)
class LossInputs:
    """What a loss is computed from, all (B, T); log-probabilities in nats.

    Masks are of any dtype, 1 for a valid token. What stands at other positions, also NaN, changes
    nothing. Sums are made in float32 or better; the gradient has the dtype of `log_prob`.
    """

    log_prob: Tensor
    old_log_prob: Tensor
    advantages: Tensor
    mask: Tensor
    low_entropy_mask: Tensor | None = None

    def rows(self, chosen: slice) -> "LossInputs":
        """A micro-batch of some of the responses."""
        low = self.low_entropy_mask
        return LossInputs(
            log_prob=self.log_prob[chosen],
            old_log_prob=self.old_log_prob[chosen],
            advantages=self.advantages[chosen],
            mask=self.mask[chosen],
            low_entropy_mask=None if low is None else low[chosen],
        )


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean that micro-batches add up to."""

    total: float
    count: int

    def __add__(self, other: "Mean") -> "Mean":
        return Mean(self.total + other.total, self.count + other.count)

    @property
    def value(self) -> float:
        """0 where nothing was counted."""
        return self.total / max(self.count, 1)


@dataclass(frozen=True, slots=True)
class PolicyLoss:
    """A scalar to be minimised, and verl's metrics over the valid tokens of this batch."""

    loss: Tensor
    metrics: Mapping[str, Mean]


def policy_loss(inputs: LossInputs, algorithm: Algorithm, size: StepSize) -> PolicyLoss:
    """The losses and gradients of a step's micro-batches add up to those of the whole step.

    `size` is that of the step. Values are not comparable across algorithms, see `surrogates`.
    Raises ValueError where the algorithm needs a `low_entropy_mask` and there is none.
    """
    inputs = _prepared(inputs)
    losses = per_token_losses(inputs, algorithm)
    log_ratio = log_ratios(inputs.log_prob.detach(), inputs.old_log_prob)
    metrics = {
        name: _mean(share.of, share.among & inputs.mask) for name, share in losses.shares.items()
    }
    metrics["actor/ppo_kl"] = _mean(-log_ratio, inputs.mask)
    total = aggregate(losses.losses, inputs.mask, algorithm.aggregation, size)
    return PolicyLoss(total, metrics)


def per_token_losses(inputs: LossInputs, algorithm: Algorithm) -> TokenLosses:
    """The loss of every position, valid or not."""
    log_prob, old_log_prob = _wide(inputs.log_prob), _wide(inputs.old_log_prob)
    advantages = inputs.advantages.to(log_prob.dtype)
    ratio = importance_ratios(
        log_prob, old_log_prob, advantages, inputs.mask.bool(), algorithm.ratio
    )
    bounds = clip_bounds(algorithm, inputs.low_entropy_mask, ratio)
    return token_losses(algorithm, log_prob, ratio, advantages, bounds)


def _prepared(inputs: LossInputs) -> LossInputs:
    """Wide types, a boolean mask, and zeros where it is false, so that no NaN has a gradient."""
    mask = inputs.mask.bool()
    return LossInputs(
        log_prob=_wide(inputs.log_prob).masked_fill(~mask, 0),
        old_log_prob=_wide(inputs.old_log_prob).masked_fill(~mask, 0),
        advantages=inputs.advantages.masked_fill(~mask, 0),
        mask=mask,
        low_entropy_mask=inputs.low_entropy_mask,
    )


def _wide(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _mean(values: Tensor, among: Tensor) -> Mean:
    counted = values.detach().masked_fill(~among, 0)
    return Mean(float(counted.sum(dtype=torch.float64)), int(among.sum()))
