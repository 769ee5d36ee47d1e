"""Checks of policy losses: per token, aggregated in every mode, and their gradients."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from evalkit.train.aggregation import StepSize
from evalkit.train.algorithms import ASPO_PAPER, Aggregation, Algorithm, Clip
from evalkit.train.losses import LossInputs, PolicyLoss, per_token_losses, policy_loss
from evalkit.train.vectors.aggregating import MODES, expected_loss, size_without_empty_rows
from evalkit.train.vectors.comparing import SHARE_TOLERANCE, TOLERANCES, Comparison, compare
from evalkit.train.vectors.presets import algorithm_of
from evalkit.train.vectors.reading import Case

_DTYPES = {
    "float64": [torch.float64, torch.float32],
    "float32": [torch.float32],
    "bfloat16": [torch.float32, torch.bfloat16],
}


def check_policy_loss(case: Case) -> Iterator[Comparison]:
    """In float64 and float32 as far as the inputs are exact, and in bfloat16 where they are."""
    name = case.text("dtype")
    if name not in _DTYPES:
        raise case.error(f"dtype is {name!r}; known: {', '.join(_DTYPES)}")
    for dtype in _DTYPES[name]:
        yield from _check_in(dtype, case)
    if case.has("paper_v2"):
        yield from _check_paper(case)


def check_micro_batch(case: Case) -> Iterator[Comparison]:
    """Each micro-batch normalised alone, as the reference does and evalkit's trainer does not."""
    inputs = _inputs(case, torch.float64)
    algorithm = replace(algorithm_of(case), aggregation="token-mean")
    num_rows = case.count("micro_batch_size")
    starts = range(0, len(inputs.mask), num_rows)
    parts = [inputs.rows(slice(start, start + num_rows)) for start in starts]
    losses = torch.stack(
        [policy_loss(part, algorithm, StepSize.of(part.mask)).loss for part in parts]
    )
    (gradient,) = torch.autograd.grad(losses.mean(), inputs.log_prob)
    tolerance = TOLERANCES[torch.float64]
    expected_losses = case.tensor("expected", "loss_per_micro_batch")
    yield compare("loss per micro-batch", losses, expected_losses, tolerance)
    expected = case.tensor("expected", "accumulated_grad_log_prob")
    yield compare("gradient", gradient, expected, tolerance)


def _check_in(dtype: torch.dtype, case: Case) -> Iterator[Comparison]:
    section = "expected_float64" if case.has("expected_float64") else "expected"
    inputs, algorithm = _inputs(case, dtype), algorithm_of(case)
    tolerance, label = TOLERANCES[dtype], str(dtype).removeprefix("torch.")
    losses = per_token_losses(inputs, algorithm).losses
    expected = case.tensor(section, "per_token_loss")
    yield compare(f"{label} per-token loss", losses, expected, tolerance)
    for mode in MODES:
        found = _aggregated(inputs, algorithm, mode)
        expected = expected_loss(case, inputs.mask, section, mode)
        yield compare(f"{label} loss {mode}", found.loss, expected, tolerance)
        (gradient,) = torch.autograd.grad(found.loss, inputs.log_prob)
        # A gradient in bfloat16 is one of float32, rounded to 8 bits.
        rounded = 2**-8 if dtype == torch.bfloat16 else tolerance
        expected = _expected_gradient(case, inputs.mask, section, mode)
        yield compare(f"{label} gradient {mode}", gradient, expected, rounded)
        if section == "expected":
            yield _check_without_empty_rows(case, inputs, algorithm, mode)
    yield from _check_metrics(case, inputs, algorithm, section)


def _check_without_empty_rows(
    case: Case, inputs: LossInputs, algorithm: Algorithm, mode: str
) -> Comparison:
    verl_mode, size = size_without_empty_rows(mode, inputs.mask)
    found = policy_loss(inputs, replace(algorithm, aggregation=verl_mode), size).loss
    # verl has NaN where no token is valid.
    expected = case.tensor("expected", "loss_excluding_empty_rows", mode).nan_to_num(0.0)
    tolerance = TOLERANCES[inputs.log_prob.dtype]
    return compare(f"loss {mode} without empty rows", found, expected, tolerance)


def _check_metrics(
    case: Case, inputs: LossInputs, algorithm: Algorithm, section: str
) -> Iterator[Comparison]:
    found = _aggregated(inputs, algorithm, "token-mean").metrics
    for name in case.mapping(section, "metrics"):
        if f"actor/{name}" not in found:
            raise case.error(f"has an unknown metric {name!r}; known: {', '.join(found)}")
        value = torch.tensor(found[f"actor/{name}"].value, dtype=torch.float64)
        exact = TOLERANCES[inputs.log_prob.dtype]
        tolerance = exact if name == "ppo_kl" else SHARE_TOLERANCE
        yield compare(name, value, case.tensor(section, "metrics", name), tolerance)


def _check_paper(case: Case) -> Iterator[Comparison]:
    """Profile `paper`, and where its gradient differs from that of the reference."""
    inputs = _inputs(case, torch.float64)
    eps, c = case.number("paper_v2", "eps"), case.number("paper_v2", "c")
    paper = replace(ASPO_PAPER, clip=Clip(eps, eps), dual_clip_negative=c, dual_clip_positive=c)
    found = _gradient_of_sum(inputs, paper)
    expected = case.tensor("paper_v2", "grad_per_token")
    yield compare("gradient of paper", found, expected, TOLERANCES[torch.float64])
    differs = (found - _gradient_of_sum(inputs, algorithm_of(case))).abs() > 1e-9
    expected = torch.zeros_like(found)
    for row, column in case.field("paper_v2", "tokens_where_reference_gradient_differs"):
        expected[row, column] = 1
    yield compare("tokens where paper differs", differs, expected, 0.0)
    is_counted = inputs.mask.bool() & (inputs.advantages != 0)
    shares = per_token_losses(inputs, paper).shares
    clipped = shares["actor/pg_clipfrac_upper"].of | shares["actor/pg_clipfrac_lower"].of
    expected = case.tensor("paper_v2", "hard_masked")
    yield compare("hard-masked", clipped & is_counted, expected, 0.0)
    is_beyond = shares["actor/positive_pg_clipfrac_dual"].of
    expected = case.tensor("paper_v2", "dual_clipped")
    yield compare("dual-clipped", is_beyond & is_counted, expected, 0.0)


def _inputs(case: Case, dtype: torch.dtype) -> LossInputs:
    has_classes = "low_entropy_mask" in case.mapping("inputs")
    return LossInputs(
        log_prob=case.tensor("inputs", "log_prob", dtype=dtype).requires_grad_(),
        old_log_prob=case.tensor("inputs", "old_log_prob", dtype=dtype),
        advantages=case.tensor("inputs", "advantages", dtype=dtype),
        mask=case.tensor("inputs", "response_mask"),
        low_entropy_mask=case.tensor("inputs", "low_entropy_mask") if has_classes else None,
    )


def _aggregated(inputs: LossInputs, algorithm: Algorithm, mode: Aggregation) -> PolicyLoss:
    return policy_loss(inputs, replace(algorithm, aggregation=mode), StepSize.of(inputs.mask))


def _gradient_of_sum(inputs: LossInputs, algorithm: Algorithm) -> Tensor:
    summed = replace(algorithm, aggregation="seq-mean-token-sum")
    loss = policy_loss(inputs, summed, StepSize(num_tokens=0, num_sequences=1, max_length=1)).loss
    return torch.autograd.grad(loss, inputs.log_prob)[0]


def _expected_gradient(case: Case, mask: Tensor, section: str, mode: str) -> Tensor:
    """Of the mean of means with empty rows, where the reference has NaN, from that of the sums."""
    num_valid = mask.sum(dim=1, keepdim=True)
    if mode == "seq-mean-token-mean" and bool((num_valid == 0).any()):
        sums = case.tensor(section, "grad_log_prob", "seq-mean-token-sum")
        return sums / num_valid.clamp(min=1)
    return case.tensor(section, "grad_log_prob", mode)
