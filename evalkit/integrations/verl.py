"""ASPO, profile `paper`, as a policy loss of verl 0.9.1, registered when this module is imported.

In verl's configuration: `actor_rollout_ref.model.external_lib=evalkit.integrations.verl` and
`actor_rollout_ref.actor.policy_loss.loss_mode=aspo`. The profile `archer2` cannot be registered:
its bounds depend on the entropy of each token, which verl does not pass to a policy loss.
"""

from dataclasses import replace

from torch import Tensor
from verl.trainer.ppo.core_algos import agg_loss, register_policy_loss
from verl.utils.torch_functional import masked_mean
from verl.workers.config import ActorConfig

from evalkit.train.algorithms import ASPO_PAPER, Algorithm, Clip
from evalkit.train.losses import LossInputs, per_token_losses
from evalkit.train.ratios import log_ratios


def aspo_loss(
    *,
    old_log_prob: Tensor,
    log_prob: Tensor,
    advantages: Tensor,
    response_mask: Tensor,
    loss_agg_mode: str,
    config: ActorConfig,
    rollout_is_weights: Tensor | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a micro-batch and its metrics; all tensors (B, T).

    The loss of each token is evalkit's, times its weight of the rollout correction where verl has
    one; verl's own `agg_loss` makes one number of them, so that all of its modes hold, and its
    normalisation by the whole mini-batch over all ranks. The metrics are means over the valid
    tokens of the micro-batch, which verl averages over micro-batches.
    """
    inputs = LossInputs(
        log_prob=log_prob,
        old_log_prob=old_log_prob,
        advantages=advantages,
        mask=response_mask,
    )
    found = per_token_losses(inputs, _algorithm(config))
    weights = 1.0 if rollout_is_weights is None else rollout_is_weights
    loss = agg_loss(
        found.losses * weights, response_mask, loss_agg_mode, **config.global_batch_info
    )
    shares = {
        name: masked_mean(share.of.float(), share.among & response_mask)
        for name, share in found.shares.items()
    }
    kl = masked_mean(-log_ratios(log_prob.detach(), old_log_prob), response_mask)
    metrics = {**shares, "actor/ppo_kl": kl}
    return loss, {name: float(value) for name, value in metrics.items()}


def _algorithm(config: ActorConfig) -> Algorithm:
    """The bounds are the actor's; verl's defaults, 0.2 and 3, are those of the profile."""
    low = config.clip_ratio if config.clip_ratio_low is None else config.clip_ratio_low
    high = config.clip_ratio if config.clip_ratio_high is None else config.clip_ratio_high
    most = config.clip_ratio_c
    return replace(
        ASPO_PAPER, clip=Clip(low, high), dual_clip_negative=most, dual_clip_positive=most
    )


register_policy_loss("aspo")(aspo_loss)
