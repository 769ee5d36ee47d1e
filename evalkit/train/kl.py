"""Estimators of the KL divergence from the reference policy (joschu.net/blog/kl-approx.html)."""

from typing import Literal

from torch import Tensor

Estimator = Literal["k1", "k2", "k3", "abs"]
ESTIMATORS: tuple[Estimator, ...] = ("k1", "k2", "k3", "abs")

_MAX_LOG_RATIO = 20.0  # nats
_MAX_PENALTY = 10.0


def kl_penalty(log_prob: Tensor, ref_log_prob: Tensor, estimator: Estimator = "k3") -> Tensor:
    """The penalty of each token, in nats; shapes (B, T). As `kl_penalty` of Archer2.0@b08d963.

    Where k3 exceeds 10 it is 10, with no gradient: there it no longer pulls the policy back.
    """
    difference = log_prob - ref_log_prob
    match estimator:
        case "k1":
            return difference
        case "k2":
            return difference.square() / 2
        case "abs":
            return difference.abs()
        case "k3":
            x = (-difference).clamp(-_MAX_LOG_RATIO, _MAX_LOG_RATIO)
            return (x.exp() - x - 1).clamp(-_MAX_PENALTY, _MAX_PENALTY)
