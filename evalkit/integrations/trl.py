"""ASPO, profile `paper`, as a trainer of TRL 1.16, for text models."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer

from evalkit.train.aggregation import StepSize, aggregate
from evalkit.train.algorithms import ASPO_PAPER, Algorithm, Clip
from evalkit.train.kl import kl_penalty
from evalkit.train.losses import LossInputs, Mean, policy_loss
from evalkit.types import UsageError

# What changes TRL's own loss and would change nothing here.
_FIXED: Mapping[str, Any] = {
    "loss_type": "grpo",
    "importance_sampling_level": "token",
    "top_entropy_quantile": 1.0,
    "off_policy_mask_threshold": None,
    "entropy_coef": 0.0,
    "use_adaptive_entropy": False,
}
_NAMES_IN_TRL: Mapping[str, str] = {
    "critic/rewards/mean": "reward",
    "response_length/mean": "completions/mean_length",
    "response_length/max": "completions/max_length",
    "response_length/min": "completions/min_length",
    "response_length/clip_ratio": "completions/clipped_ratio",
    "actor/grad_norm": "grad_norm",
    "actor/lr": "learning_rate",
}
"""evalkit's metrics that TRL has too, under other names."""


class ASPOTrainer(GRPOTrainer):  # type: ignore[misc]
    """TRL's GRPOTrainer with the loss of ASPO: the mean over responses of the means over tokens.

    The bounds are those of the GRPOConfig: `epsilon`, `epsilon_high`, and `delta` for the soft dual
    clip of both signs, where None is the profile's 3. `beta` is the coefficient of evalkit's k3
    penalty. Logs evalkit's metrics beside TRL's, as means over all tokens since the last log.
    Raises UsageError for settings that would have no effect, TRL's default `loss_type` among them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _check(self.args)
        if self._is_vlm or self.aux_loss_enabled:
            raise UsageError(
                "ASPOTrainer trains text models; of experts only with router_aux_loss_coef=0"
            )
        self._algorithm = _algorithm(self.args)
        self._means: dict[str, dict[str, Mean]] = {"train": {}, "eval": {}}

    def _compute_loss(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        mask = inputs["completion_mask"] * inputs.get("tool_mask", 1)
        log_prob, entropy = self._scored(model, inputs)
        batch = LossInputs(
            log_prob=log_prob,
            old_log_prob=inputs.get("old_per_token_logps", log_prob.detach()),
            advantages=_weighted_advantages(inputs).expand_as(log_prob),
            mask=mask,
        )
        size = replace(StepSize.of(mask), num_sequences=len(mask) * self._num_parts)
        found = policy_loss(batch, self._algorithm, size)
        self._count(found.metrics)
        self._count({"entropy": Mean(float((entropy * mask).sum()), size.num_tokens)})
        self._count({"actor/pg_loss": self._of_step(found.loss)})
        if not self.beta:
            return found.loss
        penalty = kl_penalty(log_prob, inputs["ref_per_token_logps"])
        kl = aggregate(penalty, mask, self._algorithm.aggregation, size)
        self._count({"actor/kl_loss": self._of_step(kl)})
        total: Tensor = found.loss + self.beta * kl
        return total

    def _scored(self, model: Any, inputs: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Log-probabilities and entropies of the completions' tokens, both (B, T), in nats."""
        completion_ids = inputs["completion_ids"]
        log_prob, entropy, _ = self._get_per_token_logps_and_entropies(
            model,
            torch.cat([inputs["prompt_ids"], completion_ids], dim=1),
            torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1),
            completion_ids.shape[1],
            compute_entropy=True,
        )
        return log_prob, entropy.detach()

    @property
    def _mode(self) -> str:
        return "train" if self.model.training else "eval"

    @property
    def _num_parts(self) -> int:
        """Micro-batches that add up to the optimizer step; the last of an epoch has fewer."""
        return self.current_gradient_accumulation_steps if self.model.training else 1

    def _of_step(self, part: Tensor) -> Mean:
        """The mean of a step's parts is then their sum."""
        return Mean(float(part.detach()) * self._num_parts, 1)

    def _count(self, metrics: Mapping[str, Mean]) -> None:
        means = self._means[self._mode]
        for name, mean in metrics.items():
            means[name] = means[name] + mean if name in means else mean

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        metrics = self._metrics[self._mode]
        metrics.update(self._reduced())
        for name, theirs in _NAMES_IN_TRL.items():
            if theirs in logs:
                logs[name] = logs[theirs]
            elif theirs in metrics:
                metrics[name] = list(metrics[theirs])
        super().log(logs, start_time)

    def _reduced(self) -> dict[str, list[float]]:
        """The means over all processes, which then begin anew."""
        means = self._means[self._mode]
        self._means[self._mode] = {}
        if not means:
            return {}
        parts = [[mean.total, mean.count] for mean in means.values()]
        local = torch.tensor(parts, dtype=torch.float64, device=self.accelerator.device)
        sums = self.accelerator.reduce(local, reduction="sum").tolist()
        return {
            name: [Mean(total, int(count)).value]
            for name, (total, count) in zip(means, sums, strict=True)
        }


def _check(args: GRPOConfig) -> None:
    for name, needed in _FIXED.items():
        if (found := getattr(args, name)) != needed:
            raise UsageError(f"{name} is {found!r}; ASPOTrainer needs {name}={needed!r}")
    if args.beta and args.use_bias_correction_kl:
        raise UsageError("ASPOTrainer's penalty has no ratio: set use_bias_correction_kl=False")


def _algorithm(args: GRPOConfig) -> Algorithm:
    high = args.epsilon if args.epsilon_high is None else args.epsilon_high
    clip = Clip(args.epsilon, high)
    if args.delta is None:
        return replace(ASPO_PAPER, clip=clip)
    return replace(
        ASPO_PAPER, clip=clip, dual_clip_negative=args.delta, dual_clip_positive=args.delta
    )


def _weighted_advantages(inputs: Mapping[str, Any]) -> Tensor:
    """(B, T) or (B, 1), times TRL's correction for its sampler.

    The loss of a token is proportional to its advantage, so that the weight may multiply either.
    """
    advantages: Tensor = inputs["advantages"]
    if advantages.ndim == 1:
        advantages = advantages[:, None]
    weights = inputs.get("importance_sampling_ratio")
    return advantages if weights is None else advantages * weights
