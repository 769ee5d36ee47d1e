"""The gradient side of a step: epochs of mini-batches, each an optimizer update."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from evalkit.train.advantages import per_token
from evalkit.train.aggregation import StepSize, aggregate
from evalkit.train.batches import Batch, micro_batches
from evalkit.train.entropy import split_by_entropy
from evalkit.train.experience import Experience, gathered, mini_batches
from evalkit.train.kl import kl_penalty
from evalkit.train.losses import LossInputs, Mean, policy_loss
from evalkit.train.policy import Policy
from evalkit.train.ratios import log_ratios
from evalkit.train.spec import TrainSpec
from evalkit.types import RunError

Sums = dict[str, Mean]

_SKIPPED = "actor/skipped_updates"


class Updater:
    """AdamW on the policy. One optimizer step for each mini-batch, whatever its micro-batches."""

    def __init__(self, policy: Policy, spec: TrainSpec) -> None:
        self._policy = policy
        self._spec = spec
        self._rules = spec.rules()
        self.optimizer = torch.optim.AdamW(
            policy.parameters(),
            lr=spec.lr,
            betas=(0.9, 0.999),
            weight_decay=spec.weight_decay,
            fused=True,
        )

    def update(self, experience: Experience, step: int) -> dict[str, float]:
        """The metrics are means over the updates of the step that were made.

        Raises RunError where none could be made, because no gradient was finite.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = lr_at(step, self._spec)
        sums: Sums = {}
        for epoch in range(self._spec.ppo_epochs):
            rng = random.Random(f"{self._spec.seed}-{step}-{epoch}")
            for chosen in mini_batches(experience.group_sizes, self._spec.num_mini_batches, rng):
                _add(sums, self._mini_batch(experience, chosen))
        skipped = sums.pop(_SKIPPED, Mean(0.0, 0)).total
        if not sums:
            raise RunError(
                f"step {step}: the gradient of all {skipped:.0f} updates was not finite; a lower lr "
                f"or max_grad_norm, or another dtype, may help"
            )
        metrics = {name: mean.value for name, mean in sums.items() if mean.count}
        return {
            **metrics,
            _SKIPPED: skipped,
            "actor/lr": lr_at(step, self._spec),
            "actor/kl_coef": self._rules.kl_coefficient,
        }

    def _mini_batch(self, experience: Experience, chosen: Sequence[int]) -> Sums:
        """`chosen` are positions among all sequences."""
        sequences = experience.sequences
        lengths = [len(sequences[i].completion_ids) for i in chosen]
        size = StepSize(sum(lengths), len(chosen), self._spec.max_tokens)
        sums: Sums = {}
        loss = kl_loss = 0.0
        for part in micro_batches([sequences[i] for i in chosen], self._spec.micro_batch_tokens):
            positions = [chosen[i] for i in part]
            parts = self._micro_batch(experience, positions, size)
            loss, kl_loss = loss + parts.loss, kl_loss + parts.kl_loss
            _add(sums, parts.metrics)
        norm = self._step_optimizer(loss + kl_loss)
        if norm is None:
            return {_SKIPPED: Mean(1.0, 1)}
        _add(sums, {"actor/pg_loss": Mean(loss, 1), "actor/grad_norm": Mean(norm, 1)})
        if experience.reference:
            _add(sums, {"actor/kl_loss": Mean(kl_loss, 1)})
        return sums

    def _micro_batch(
        self, experience: Experience, positions: Sequence[int], size: StepSize
    ) -> "_Parts":
        batch = Batch.of([experience.sequences[i] for i in positions])
        inputs = self._inputs(experience, positions, batch)
        result = policy_loss(inputs, self._rules, size)
        total, kl_loss = result.loss, 0.0
        if experience.reference:
            reference = gathered(experience.reference.log_probs, positions, batch).to(self._device)
            penalty = kl_penalty(inputs.log_prob, reference)
            kl = aggregate(penalty, inputs.mask, self._rules.aggregation, size)
            total, kl_loss = total + self._rules.kl_coefficient * kl, kl.item()
        total.backward()  # type: ignore[no-untyped-call]
        padding = Mean(batch.num_padding, batch.input_ids.numel())
        metrics = {**result.metrics, **_ratio_means(inputs), "perf/padding_share": padding}
        return _Parts(result.loss.item(), kl_loss, metrics)

    def _inputs(self, experience: Experience, positions: Sequence[int], batch: Batch) -> LossInputs:
        temperature = self._spec.temperature
        needs_entropy = self._rules.high_entropy_clip is not None
        scored = self._policy.score(
            batch,
            temperature=temperature,
            entropy_temperature=temperature if needs_entropy else None,
        )
        mask = batch.mask.to(self._device)
        low = None
        if scored.entropy is not None:
            entropy = batch.spread(scored.entropy)
            low = split_by_entropy(entropy, mask, self._rules.entropy_quantile).low
        return LossInputs(
            log_prob=batch.spread(scored.log_prob),
            old_log_prob=gathered(experience.old.log_probs, positions, batch).to(self._device),
            advantages=per_token(experience.advantages[list(positions)].to(self._device), mask),
            mask=mask,
            low_entropy_mask=low,
        )

    def _step_optimizer(self, loss: float) -> float | None:
        """The norm of the gradient; None where that or the loss is not finite: nothing is updated.

        A ratio that is NaN makes the loss NaN, but where it is clamped not the gradient.
        """
        parameters = self._policy.parameters()
        norm = torch.nn.utils.clip_grad_norm_(parameters, self._spec.max_grad_norm).item()
        is_finite = math.isfinite(norm) and math.isfinite(loss)
        if is_finite:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm if is_finite else None

    @property
    def _device(self) -> torch.device:
        return self._policy.device


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a micro-batch adds to its update."""

    loss: float
    kl_loss: float
    metrics: Sums


def lr_at(step: int, spec: TrainSpec) -> float:
    """Of step 1 and later."""
    return spec.lr * min(1.0, step / max(spec.warmup_steps, 1))


def _ratio_means(inputs: LossInputs) -> Sums:
    """The mean importance ratio of tokens with a positive and with a negative advantage."""
    ratios = log_ratios(inputs.log_prob.detach(), inputs.old_log_prob).exp()
    sums = {}
    for name, chosen in (("positive", inputs.advantages > 0), ("negative", inputs.advantages < 0)):
        values = ratios[chosen & inputs.mask]
        sums[f"ratio/{name}_mean"] = Mean(values.sum(dtype=torch.float64).item(), values.numel())
    return sums


def _add(sums: Sums, more: Sums) -> None:
    for name, mean in more.items():
        sums[name] = sums[name] + mean if name in sums else mean
