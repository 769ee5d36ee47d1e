"""The importance ratio, new over old probability, of tokens or whole responses."""

import torch
from torch import Tensor

from evalkit.train.algorithms import Ratio

_MAX_LOG_RATIO = 20.0  # nats; Archer2.0 and verl


def log_ratios(log_prob: Tensor, old_log_prob: Tensor) -> Tensor:
    """Of each token, at most 20 nats either way; shapes (B, T)."""
    return (log_prob - old_log_prob).clamp(-_MAX_LOG_RATIO, _MAX_LOG_RATIO)


def importance_ratios(
    log_prob: Tensor, old_log_prob: Tensor, advantages: Tensor, mask: Tensor, kind: Ratio
) -> Tensor:
    """Ratios (B, T); the gradient of each is its value times that of its own token's log_prob.

    `mask` is boolean. Kinds:

        token          the ratio of the token
        one            1: the ablation "w/o IS" of 2510.06062v2, where nothing is clipped
        sequence       exp of the mean log-ratio of the response, as in GSPO-token (2507.18071)
        positive-mean  the mean ratio of the response for tokens with a positive advantage, else
                       that of the token: "w/ Pos. Response-Level IS Mean" of 2510.06062v2
    """
    log_ratio = log_ratios(log_prob, old_log_prob)
    if kind == "token":
        return log_ratio.exp()
    unit = (log_prob - log_prob.detach()).exp()
    if kind == "one":
        return unit
    if kind == "sequence":
        return unit * _row_means(log_ratio.detach(), mask).exp()
    ratio = log_ratio.exp()
    return torch.where(advantages > 0, unit * _row_means(ratio.detach(), mask), ratio)


def _row_means(values: Tensor, mask: Tensor) -> Tensor:  # (B, 1)
    sums = values.masked_fill(~mask, 0).sum(dim=1, keepdim=True)
    return sums / mask.sum(dim=1, keepdim=True).clamp(min=1)
