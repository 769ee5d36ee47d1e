"""From the loss of each token to one number, in a way that micro-batches do not change."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from evalkit.train.algorithms import Aggregation


@dataclass(frozen=True, slots=True)
class StepSize:
    """What an optimizer step is divided by: counts over all its micro-batches and ranks."""

    num_tokens: int
    num_sequences: int
    """With or without those that have no valid token; `of` counts them."""
    max_length: int
    """Tokens that a response may have."""

    @classmethod
    def of(cls, mask: Tensor) -> Self:
        """The size of a step that is this one batch; `mask` is (B, T)."""
        return cls(int(mask.bool().sum()), mask.shape[0], mask.shape[1])


def aggregate(loss: Tensor, mask: Tensor, mode: Aggregation, size: StepSize) -> Tensor:
    """This batch's part of the loss of a step; the parts of a step's micro-batches add up to it.

    `loss` and `mask` are (B, T). With S_i and n_i the sum and the number of valid tokens of row i,
    B sequences and the length L of `size`:

        token-mean               sum S_i / sum n_i            DAPO
        seq-mean-token-sum       sum S_i / B
        seq-mean-token-mean      sum S_i/n_i / B              GRPO, equation 1 of 2510.06062v2
        seq-mean-token-sum-norm  sum S_i / L                  `agg_loss` of Archer2.0@b08d963
        seq-mean-token-budget    sum S_i / (B L)              Dr. GRPO; verl 0.9.1 calls it by the
                                                              name above

    A row without valid tokens adds 0 and counts in B. What stands at invalid positions, also NaN,
    changes nothing.
    """
    mask = mask.bool()
    per_row = loss.masked_fill(~mask, 0).sum(dim=1)  # (B,)
    if mode == "seq-mean-token-mean":
        per_row = per_row / mask.sum(dim=1).clamp(min=1)
    return per_row.sum() / _divisor(mode, size)


def _divisor(mode: Aggregation, size: StepSize) -> float:
    match mode:
        case "token-mean":
            return max(size.num_tokens, 1)
        case "seq-mean-token-sum" | "seq-mean-token-mean":
            return max(size.num_sequences, 1)
        case "seq-mean-token-sum-norm":
            return size.max_length
        case "seq-mean-token-budget":
            return max(size.num_sequences, 1) * size.max_length
