"""ASPO as a policy loss of verl: what verl gets is what evalkit computes; make test-verl."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from evalkit.train.algorithms import ASPO_PAPER, Clip
from evalkit.train.losses import LossInputs, PolicyLoss, policy_loss
from evalkit.train.vectors.aggregating import MODES, size_without_empty_rows
from evalkit.train.vectors.checking import CHECKS
from evalkit.train.vectors.reading import Case, read_cases

pytest.importorskip("verl", reason="verl is not installed; make test-verl")

from tensordict import TensorDict
from verl.trainer.ppo.core_algos import get_policy_loss_fn
from verl.utils.tensordict_utils import assign_non_tensor
from verl.workers.config import FSDPActorConfig, PolicyLossConfig
from verl.workers.utils.losses import ppo_loss

import evalkit.integrations.verl  # noqa: F401 - registers the loss

RATIOS = [[0.25, 0.9, 1.1, 1.3], [0.7, 0.9, 2.0, 4.0], [1.0, 1.0, 1.0, 1.0]]
ADVANTAGES = [[2.0] * 4, [-2.0] * 4, [1.0] * 4]
MASK = [[1, 1, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0]]


@pytest.fixture
def batch() -> LossInputs:
    """Tokens in every region of the loss, a short response and one without valid tokens."""
    ratios = torch.tensor(RATIOS, dtype=torch.float64)
    log_prob = torch.full_like(ratios, -1.0).requires_grad_()
    old_log_prob = log_prob.detach() - ratios.log()
    return LossInputs(log_prob, old_log_prob, torch.tensor(ADVANTAGES), torch.tensor(MASK))


def actor(mode: str, **more: Any) -> FSDPActorConfig:
    return FSDPActorConfig(rollout_n=1, ppo_micro_batch_size_per_gpu=1, loss_agg_mode=mode, **more)


def by_verl(
    inputs: LossInputs,
    config: FSDPActorConfig,
    *,
    name: str = "aspo",
    weights: Tensor | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Called as verl calls it."""
    return get_policy_loss_fn(name)(
        old_log_prob=inputs.old_log_prob,
        log_prob=inputs.log_prob,
        advantages=inputs.advantages,
        response_mask=inputs.mask.to(bool),
        loss_agg_mode=config.loss_agg_mode,
        config=config,
        rollout_is_weights=weights,
    )


def by_evalkit(inputs: LossInputs, mode: str, **more: Any) -> PolicyLoss:
    """The profile `paper`, aggregated as verl does it: rows without valid tokens do not count."""
    aggregation, size = size_without_empty_rows(mode, inputs.mask)
    return policy_loss(inputs, replace(ASPO_PAPER, aggregation=aggregation, **more), size)


def gradient(loss: Tensor, inputs: LossInputs) -> Tensor:
    return torch.autograd.grad(loss, inputs.log_prob, retain_graph=True)[0]


def assert_close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("mode", MODES)
def test_the_loss_is_evalkits(batch: LossInputs, mode: str) -> None:
    """Value and gradient, in each of the modes that both have."""
    found, _ = by_verl(batch, actor(mode))
    expected = by_evalkit(batch, mode).loss

    assert_close(found, expected)
    assert_close(gradient(found, batch), gradient(expected, batch))


def test_metrics_are_evalkits(batch: LossInputs) -> None:
    """Names and values of one micro-batch."""
    _, found = by_verl(batch, actor("token-mean"))

    expected = {name: mean.value for name, mean in by_evalkit(batch, "token-mean").metrics.items()}
    assert found == pytest.approx(expected, abs=1e-7)


def test_bounds_are_those_of_the_actor(batch: LossInputs) -> None:
    """What a user sets in verl's configuration is not ignored."""
    config = actor("token-mean", clip_ratio_low=0.05, clip_ratio_high=0.35, clip_ratio_c=1.5)
    found, _ = by_verl(batch, config)

    bounds = {"clip": Clip(0.05, 0.35), "dual_clip_negative": 1.5, "dual_clip_positive": 1.5}
    assert_close(found, by_evalkit(batch, "token-mean", **bounds).loss)


def test_weights_of_the_rollout_correction_multiply_the_loss_of_tokens(batch: LossInputs) -> None:
    """As in verl's own losses."""
    weights = torch.linspace(0.5, 2.0, 12, dtype=torch.float64).view(3, 4)
    found, _ = by_verl(batch, actor("token-mean"), weights=weights)

    plain = gradient(by_evalkit(batch, "token-mean").loss, batch)
    assert_close(gradient(found, batch), plain * weights)


def test_with_ratio_1_the_gradient_is_that_of_verls_ppo(batch: LossInputs) -> None:
    """On policy ASPO is GRPO."""
    inputs = replace(batch, old_log_prob=batch.log_prob.detach())
    aspo, _ = by_verl(inputs, actor("seq-mean-token-mean"))
    ppo, _ = by_verl(inputs, actor("seq-mean-token-mean"), name="vanilla")

    assert_close(gradient(aspo, inputs), gradient(ppo, inputs))


def micro_batch(inputs: LossInputs) -> TensorDict:
    """As verl's trainer hands it to its loss: ragged, one token of prompt, counts of the whole."""
    length = inputs.mask.shape[1]
    fields = {
        "prompts": torch.zeros(len(inputs.mask), 1, dtype=torch.long),
        "responses": torch.zeros_like(inputs.mask),
        "response_mask": inputs.mask,
        "old_log_probs": inputs.old_log_prob,
        "advantages": inputs.advantages,
    }
    rows = {
        name: torch.nested.as_nested_tensor(list(value), layout=torch.jagged)
        for name, value in fields.items()
    }
    data = TensorDict(rows, batch_size=len(inputs.mask))
    assign_non_tensor(
        data, dp_size=2, batch_num_tokens=7, global_batch_size=2, max_response_len=length
    )
    return data


@pytest.mark.parametrize("mode", MODES)
def test_micro_batches_on_two_ranks_add_up(batch: LossInputs, mode: str) -> None:
    """verl's trainer finds the loss by name, and averages the gradients of the ranks."""
    config = actor(mode, policy_loss=PolicyLossConfig(loss_mode="aspo"), loss_scale_factor=4)
    losses = []
    for row in range(3):
        part = batch.rows(slice(row, row + 1))
        shifted = torch.cat([part.log_prob, part.log_prob[:, :1]], dim=1)
        losses.append(ppo_loss(config, {"log_probs": shifted.flatten()}, micro_batch(part))[0])
    found = torch.stack(losses).sum() / 2

    expected = by_evalkit(batch, mode).loss
    assert_close(found, expected)
    assert_close(gradient(found, batch), gradient(expected, batch))


@pytest.fixture(scope="module")
def cases(vectors_file: Path) -> list[Case]:
    """The published cases of ASPO."""
    found = read_cases(vectors_file, list(CHECKS))
    losses = [case for case in found if case.kind == "policy_loss"]
    return [case for case in losses if case.text("algorithm") == "aspo"]


def inputs_of(case: Case) -> LossInputs:
    names = ("log_prob", "old_log_prob", "advantages", "response_mask")
    log_prob, *rest = (case.tensor("inputs", name) for name in names)
    return LossInputs(log_prob.requires_grad_(), *rest)


@pytest.mark.data
@pytest.mark.parametrize("mode", MODES)
def test_the_loss_of_every_vector_is_evalkits(cases: list[Case], mode: str) -> None:
    """Value, gradient and metrics, with the bounds of the profile."""
    for case in cases:
        inputs = inputs_of(case)
        found, metrics = by_verl(inputs, actor(mode))
        expected = by_evalkit(inputs, mode)

        # verl has NaN where no token is valid.
        assert_close(found.nan_to_num(0.0), expected.loss)
        if inputs.mask.any():
            assert_close(gradient(found, inputs), gradient(expected.loss, inputs))
        values = {name: mean.value for name, mean in expected.metrics.items()}
        assert metrics == pytest.approx(values, abs=1e-7), case.name


def is_of_paper(case: Case) -> bool:
    """Whether one clip and one bound hold for all valid tokens, in double precision."""
    valid = case.tensor("inputs", "response_mask").bool()
    is_low = case.tensor("inputs", "low_entropy_mask").bool()
    bounds = {case.number("config", f"{sign}_clip_ratio_c") for sign in ("negative", "positive")}
    return case.text("dtype") == "float64" and len(bounds) == 1 and bool(is_low[valid].all())


@pytest.mark.data
@pytest.mark.parametrize("mode", MODES)
def test_published_losses_without_tokens_of_high_entropy_hold(cases: list[Case], mode: str) -> None:
    """There the published code, aggregated by verl, is the profile `paper`."""
    chosen = [case for case in cases if is_of_paper(case)]
    for case in chosen:
        config = actor(
            mode,
            clip_ratio_low=case.number("config", "negative_low_entropy_clip_ratio_low"),
            clip_ratio_high=case.number("config", "positive_low_entropy_clip_ratio_high"),
            clip_ratio_c=case.number("config", "negative_clip_ratio_c"),
        )
        found, _ = by_verl(inputs_of(case), config)

        expected = case.tensor("expected", "loss_excluding_empty_rows", mode)
        assert_close(found.nan_to_num(0.0), expected.nan_to_num(0.0))
    assert "shared/aspo_uniform_low_entropy" in [case.name for case in chosen]
