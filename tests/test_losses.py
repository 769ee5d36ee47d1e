"""Losses by hand: weights of tokens in every region, aggregation, masks, micro-batches."""

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from evalkit.train.aggregation import StepSize, aggregate
from evalkit.train.algorithms import ALGORITHMS, ASPO_PAPER, GRPO, Algorithm
from evalkit.train.losses import LossInputs, PolicyLoss, per_token_losses, policy_loss

MODES = (
    "token-mean",
    "seq-mean-token-sum",
    "seq-mean-token-mean",
    "seq-mean-token-sum-norm",
    "seq-mean-token-budget",
)


def inputs_of(advantages: Any, ratios: Any, *, mask: Any = None, low: Any = None) -> LossInputs:
    """A batch in float64, whose new log-probabilities are -1, that has these ratios."""
    ratio = torch.tensor(ratios, dtype=torch.float64)
    log_prob = torch.full_like(ratio, -1.0).requires_grad_()
    valid = torch.ones_like(ratio) if mask is None else torch.tensor(mask)
    return LossInputs(
        log_prob=log_prob,
        old_log_prob=log_prob.detach() - ratio.log(),
        advantages=torch.tensor(advantages, dtype=torch.float64).expand_as(ratio),
        mask=valid,
        low_entropy_mask=torch.ones_like(ratio) if low is None else torch.tensor(low),
    )


def whole(inputs: LossInputs, algorithm: Algorithm) -> PolicyLoss:
    """The loss of a batch that is a step of its own."""
    return policy_loss(inputs, algorithm, StepSize.of(inputs.mask))


def gradient(inputs: LossInputs, algorithm: Algorithm) -> Tensor:
    return torch.autograd.grad(whole(inputs, algorithm).loss, inputs.log_prob)[0]


def weights(name: str, advantage: float, ratios: list[float], **more: Any) -> list[float]:
    """What each token of one response is weighted with: -gradient / advantage."""
    algorithm = replace(ALGORITHMS[name], aggregation="seq-mean-token-sum")
    found = gradient(inputs_of(advantage, [ratios], **more), algorithm)
    return (-found[0] / advantage).tolist()


# algorithm, advantage, ratios, the weights of section 1.3 of the specification and of the papers
WEIGHTS = [
    ("grpo", 2.0, [0.25, 0.9, 1.0, 1.1, 1.3], [0.25, 0.9, 1.0, 1.1, 0.0]),
    ("grpo", -2.0, [0.7, 0.9, 1.0, 2.0, 4.0], [0.0, 0.9, 1.0, 2.0, 0.0]),
    ("dapo", 1.0, [1.25, 1.3], [1.25, 0.0]),
    ("dapo", -1.0, [0.7, 0.9], [0.0, 0.9]),
    ("aspo-paper", 2.0, [0.25, 0.5, 1.0, 1.1, 1.3], [3.0, 2.0, 1.0, 1 / 1.1, 0.0]),
    ("aspo-paper", -2.0, [0.7, 0.9, 1.0, 2.0, 4.0], [0.0, 0.9, 1.0, 2.0, 3.0]),
    ("aspo-no-dual-clip", 1.0, [0.1, 0.5, 1.3], [10.0, 2.0, 0.0]),
    ("aspo-no-dual-clip", -1.0, [0.7, 2.0, 10.0], [0.0, 2.0, 10.0]),
    ("grpo-no-is", 1.0, [0.1, 1.0, 9.0], [1.0, 1.0, 1.0]),
    ("grpo-no-is", -1.0, [0.1, 1.0, 9.0], [1.0, 1.0, 1.0]),
    ("grpo-pos-seq-is", 1.0, [0.4, 1.0, 1.3], [0.9, 0.9, 0.9]),
    ("grpo-pos-seq-is", -1.0, [0.7, 1.0, 1.3], [0.0, 1.0, 1.3]),
    ("dr-grpo", 1.0, [0.5, 1.3], [0.5, 0.0]),
    ("gspo", 1.0, [2.0, 0.5], [1.0, 1.0]),
    ("gspo", 1.0, [2.0, 2.0], [0.0, 0.0]),
    ("gspo", -1.0, [2.0, 2.0], [2.0, 2.0]),
    ("cispo", 1.0, [0.01, 1.3, 9.0], [0.01, 1.3, 5.0]),
    ("cispo", -1.0, [0.01, 1.3, 9.0], [0.01, 1.3, 5.0]),
]


@pytest.mark.parametrize(("name", "advantage", "ratios", "expected"), WEIGHTS)
def test_the_weight_of_a_token(
    name: str, advantage: float, ratios: list[float], expected: list[float]
) -> None:
    """The gradient of a token is -A w, with the w of the algorithm at its ratio."""
    assert weights(name, advantage, ratios) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "ratios", "expected"),
    [("grpo-pos-seq-is", [0.5, 1.1, 9.0], [0.8, 0.8, 0.0]), ("gspo", [2.0, 0.5, 9.0], [1, 1, 0])],
)
def test_means_of_a_response_are_over_valid_tokens(
    name: str, ratios: list[float], expected: list[float]
) -> None:
    """The third token is padding: its ratio is in no mean."""
    assert weights(name, 1.0, ratios, mask=[[1, 1, 0]]) == pytest.approx(expected)


@pytest.mark.parametrize(("advantage", "ratio", "weight"), [(1.0, 1.3, 1 / 1.3), (-1.0, 0.7, 0.7)])
def test_profiles_differ_on_tokens_of_high_entropy(
    advantage: float, ratio: float, weight: float
) -> None:
    """Between 0.2 and 0.4 from 1, `archer2` has a gradient where `paper` has none."""
    of_high, of_low = {"low": [[0]]}, {"low": [[1]]}

    assert weights("aspo-archer2", advantage, [ratio], **of_high) == pytest.approx([weight])
    assert weights("aspo-archer2", advantage, [ratio], **of_low) == [0.0]
    assert weights("aspo-paper", advantage, [ratio], **of_high) == [0.0]


def test_two_classes_need_a_mask() -> None:
    """Without it nothing says which token has which clip."""
    inputs = replace(inputs_of(1.0, [[1.0]]), low_entropy_mask=None)

    with pytest.raises(ValueError, match="needs low_entropy_mask"):
        whole(inputs, ALGORITHMS["aspo-archer2"])


def test_values_of_aspo_are_those_of_the_reference() -> None:
    """-A/r inside, -A/(1+eps) where hard-clipped, -A c log_prob where dual-clipped."""
    inputs = inputs_of(2.0, [[0.5, 1.3, 0.1]])  # log_prob is -1

    found = per_token_losses(inputs, ASPO_PAPER).losses

    assert found[0].tolist() == pytest.approx([-4.0, -2 / 1.2, 6.0])


@pytest.mark.parametrize("name", sorted(ALGORITHMS.keys() - {"cispo"}))
def test_with_one_update_per_batch_all_are_grpo(name: str) -> None:
    """Where every ratio is 1, loss and gradient are those of GRPO, to the bit."""
    inputs = inputs_of(
        [[1.0], [-0.5], [0.0]], [[1.0] * 3] * 3, mask=[[1, 1, 1], [1, 1, 0], [1] * 3]
    )
    same = replace(ALGORITHMS[name], aggregation=GRPO.aggregation)

    assert torch.equal(whole(inputs, same).loss, whole(inputs, GRPO).loss)
    assert torch.equal(gradient(inputs, same), gradient(inputs, GRPO))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_no_advantage_has_no_gradient(name: str) -> None:
    """Also where a bound is infinite."""
    assert gradient(inputs_of(0.0, [[0.01, 1.0, 99.0]]), ALGORITHMS[name]).eq(0).all()


def test_ratios_beyond_twenty_nats_are_finite() -> None:
    """Log-ratios of 200 nats overflow nothing: the soft bound still pulls, the hard one does not."""
    log_prob = torch.tensor([[-200.0, -0.0]], requires_grad=True)
    inputs = LossInputs(
        log_prob, torch.tensor([[-0.0, -200.0]]), torch.ones(1, 2), torch.ones(1, 2)
    )

    summed = replace(ASPO_PAPER, aggregation="seq-mean-token-sum")

    assert gradient(inputs, summed).tolist() == [[-3.0, 0.0]]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("token-mean", 12 / 4),
        ("seq-mean-token-sum", 12 / 3),
        ("seq-mean-token-mean", (6 / 3 + 6 / 1) / 3),
        ("seq-mean-token-sum-norm", 12 / 3),
        ("seq-mean-token-budget", 12 / (3 * 3)),
    ],
)
def test_aggregation(mode: Any, expected: float) -> None:
    """Rows of three, one and no valid tokens: the last adds nothing and counts as a row."""
    losses = torch.tensor([[1.0, 2.0, 3.0], [6.0, math.nan, math.inf], [9.0, 9.0, 9.0]])
    mask = torch.tensor([[1, 1, 1], [1, 0, 0], [0, 0, 0]])

    assert float(aggregate(losses, mask, mode, StepSize.of(mask))) == pytest.approx(expected)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_batch_without_valid_tokens_has_no_loss(name: str, mode: Any) -> None:
    """Loss, gradient and metrics are 0."""
    inputs = inputs_of(1.0, [[0.5, 2.0]] * 2, mask=[[0, 0]] * 2)
    algorithm = replace(ALGORITHMS[name], aggregation=mode)

    assert whole(inputs, algorithm).loss == 0
    assert gradient(inputs, algorithm).eq(0).all()
    assert {mean.value for mean in whole(inputs, algorithm).metrics.values()} == {0.0}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_invalid_positions_change_nothing(name: str, mode: Any) -> None:
    """NaN and infinity there reach neither loss nor gradient."""
    algorithm = replace(ALGORITHMS[name], aggregation=mode)
    clean = inputs_of([[1.0], [-1.0]], [[0.9, 1.1, 1.0]] * 2, mask=[[1, 1, 0], [0, 0, 0]])
    invalid = ~clean.mask.bool()
    dirty = replace(
        clean,
        log_prob=clean.log_prob.detach().masked_fill(invalid, -math.inf).requires_grad_(),
        old_log_prob=clean.old_log_prob.masked_fill(invalid, math.nan),
        advantages=clean.advantages.masked_fill(invalid, math.nan),
    )

    assert torch.equal(whole(dirty, algorithm).loss, whole(clean, algorithm).loss)
    assert torch.equal(gradient(dirty, algorithm), gradient(clean, algorithm))
    assert whole(dirty, algorithm).metrics == whole(clean, algorithm).metrics


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float32])
def test_masks_are_of_any_type(dtype: torch.dtype) -> None:
    """A mask says the same as truth values, integers and floats."""
    inputs = inputs_of(1.0, [[0.9, 1.3]], mask=[[1, 0]], low=[[0, 1]])
    typed = replace(
        inputs, mask=inputs.mask.to(dtype), low_entropy_mask=inputs.low_entropy_mask.to(dtype)
    )

    found = whole(typed, ALGORITHMS["aspo-archer2"]).loss

    assert torch.equal(found, whole(inputs, ALGORITHMS["aspo-archer2"]).loss)


def test_half_precision_is_computed_in_single() -> None:
    """The loss of bfloat16 is that of its values in float32; the gradient is bfloat16 again."""
    single = LossInputs(
        log_prob=torch.tensor([[-1.0, -2.015625]], requires_grad=True),
        old_log_prob=torch.tensor([[-1.0625, -2.0]]),
        advantages=torch.tensor([[1.0, 1.0]]),
        mask=torch.ones(1, 2),
    )
    log_prob = single.log_prob.detach().bfloat16().requires_grad_()
    half = replace(single, log_prob=log_prob, old_log_prob=single.old_log_prob.bfloat16())

    assert torch.equal(whole(half, ASPO_PAPER).loss, whole(single, ASPO_PAPER).loss)
    assert gradient(half, ASPO_PAPER).dtype == torch.bfloat16


def test_clip_fractions_of_aspo() -> None:
    """Of five valid tokens: one above, one below, and shares of the dual clip by sign."""
    inputs = inputs_of(
        [[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]],
        [[1.3, 0.1, 1.0], [0.5, 9.0, 9.0]],
        mask=[[1, 1, 1], [1, 1, 0]],
    )

    found = {name: mean.value for name, mean in whole(inputs, ASPO_PAPER).metrics.items()}

    kl = -(math.log(1.3) + math.log(0.1) + math.log(0.5) + math.log(9)) / 5
    assert found == {
        "actor/pg_clipfrac_upper": 1 / 5,
        "actor/pg_clipfrac_lower": 1 / 5,
        "actor/positive_pg_clipfrac_dual": 1 / 3,
        "actor/negative_pg_clipfrac_dual": 1 / 2,
        "actor/ppo_kl": pytest.approx(kl),
    }


def test_tokens_without_advantage_have_no_sign() -> None:
    """They count neither among the positive nor among the negative tokens."""
    found = whole(inputs_of([[1.0, 0.0, -1.0]], [[0.1, 1.0, 9.0]]), ASPO_PAPER).metrics

    assert found["actor/positive_pg_clipfrac_dual"].value == 1.0
    assert found["actor/negative_pg_clipfrac_dual"].value == 1.0


def test_clip_fractions_of_grpo() -> None:
    """`pg_clipfrac_lower` is the dual clip here, and counts over all valid tokens."""
    inputs = inputs_of([[1.0, 1.0, -1.0, -1.0]], [[1.3, 0.1, 0.5, 9.0]])

    found = whole(inputs, GRPO).metrics

    assert found["actor/pg_clipfrac"].value == 2 / 4
    assert found["actor/pg_clipfrac_lower"].value == 1 / 4


@st.composite
def batches(draw: st.DrawFn) -> LossInputs:
    num_rows, num_columns = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))

    def normal() -> Tensor:
        return torch.randn(num_rows, num_columns, generator=generator, dtype=torch.float64)

    log_prob = -normal().abs()
    return LossInputs(
        log_prob=log_prob.clone().requires_grad_(),
        old_log_prob=log_prob + normal() * draw(st.sampled_from([0.0, 0.2, 1.0])),
        advantages=normal()[:, :1].expand(num_rows, num_columns),
        mask=normal() > -0.5,
        low_entropy_mask=normal() > 0,
    )


@settings(deadline=None)  # the first call of torch takes long
@given(batches(), st.sampled_from(sorted(ALGORITHMS)), st.sampled_from(MODES), st.data())
def test_micro_batches_change_nothing(
    inputs: LossInputs, name: str, mode: Any, data: st.DataObject
) -> None:
    """However a batch is cut, losses, gradients and metrics add up to those of the whole."""
    algorithm = replace(ALGORITHMS[name], aggregation=mode)
    num_rows = len(inputs.mask)
    inner = data.draw(st.sets(st.integers(1, num_rows), max_size=num_rows))
    cuts = sorted({0, num_rows} | inner)
    size = StepSize.of(inputs.mask)
    parts = [policy_loss(inputs.rows(slice(*pair)), algorithm, size) for pair in pairwise(cuts)]

    together = whole(inputs, algorithm)
    total = torch.stack([part.loss for part in parts]).sum()
    torch.testing.assert_close(total, together.loss)
    found = torch.autograd.grad(total, inputs.log_prob)[0]
    torch.testing.assert_close(found, gradient(inputs, algorithm))
    for metric, mean in together.metrics.items():
        first, *others = (part.metrics[metric] for part in parts)
        assert sum(others, first).value == pytest.approx(mean.value)


@settings(deadline=None)  # the first call of torch takes long
@given(batches(), st.sampled_from(sorted(ALGORITHMS)))
def test_gradients_scale_with_the_advantage(inputs: LossInputs, name: str) -> None:
    """Twice the advantage is twice the gradient, in every region of every algorithm."""
    doubled = replace(inputs, advantages=2 * inputs.advantages)

    expected = 2 * gradient(inputs, ALGORITHMS[name])
    torch.testing.assert_close(gradient(doubled, ALGORITHMS[name]), expected)
