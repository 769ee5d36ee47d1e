"""Checks of aggregation, in the conventions of Archer2.0 and of verl 0.9.1 for empty rows."""

from collections.abc import Iterator

import torch
from torch import Tensor

from evalkit.train.aggregation import StepSize, aggregate
from evalkit.train.algorithms import Aggregation
from evalkit.train.vectors.comparing import TOLERANCES, Comparison, compare
from evalkit.train.vectors.reading import Case

MODES: tuple[Aggregation, ...] = (
    "token-mean",
    "seq-mean-token-sum",
    "seq-mean-token-mean",
    "seq-mean-token-sum-norm",
)


def check_aggregation(case: Case) -> Iterator[Comparison]:
    loss, mask = case.tensor("inputs", "loss_mat"), case.tensor("inputs", "mask")
    tolerance = TOLERANCES[torch.float64]
    for mode in MODES:
        expected = _expected(
            case, mask, ("expected", mode), ("expected_excluding_empty_rows", mode)
        )
        found = aggregate(loss, mask, mode, StepSize.of(mask))
        yield compare(mode, found, expected, tolerance)
        verl_mode, size = size_without_empty_rows(mode, mask)
        expected = case.tensor("expected_excluding_empty_rows", mode).nan_to_num(0.0)
        found = aggregate(loss, mask, verl_mode, size)
        yield compare(f"{mode} without empty rows", found, expected, tolerance)


def expected_loss(case: Case, mask: Tensor, section: str, mode: str) -> Tensor:
    excluding = (section, "loss_excluding_empty_rows", mode)
    return _expected(case, mask, (section, "loss", mode), excluding)


def size_without_empty_rows(mode: str, mask: Tensor) -> tuple[Aggregation, StepSize]:
    """What verl 0.9.1 computes under the name of `mode`, in our terms."""
    num_rows = int((mask.sum(dim=1) > 0).sum())
    size = StepSize(int(mask.sum()), num_rows, mask.shape[1])
    ours: dict[str, Aggregation] = {one: one for one in MODES}
    return ours[mode] if mode != "seq-mean-token-sum-norm" else "seq-mean-token-budget", size


def _expected(
    case: Case, mask: Tensor, path: tuple[str, ...], excluding: tuple[str, ...]
) -> Tensor:
    """Where the reference has NaN for an empty row, the mean over all rows, that one being 0."""
    expected = case.tensor(*path)
    if not bool(expected.isnan()):
        return expected
    share = (mask.sum(dim=1) > 0).double().mean()
    return (case.tensor(*excluding) * share).nan_to_num(0.0)
