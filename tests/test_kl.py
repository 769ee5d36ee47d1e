"""Estimators of KL, entropy classes and repetition: small cases by hand."""

import math
from typing import Any

import pytest
import torch

from evalkit.train.entropy import split_by_entropy
from evalkit.train.kl import kl_penalty
from evalkit.train.repetition import Repetition, repetition

HALF = math.log(2)


@pytest.mark.parametrize(
    ("estimator", "penalty", "gradient"),
    [
        ("k1", -HALF, 1.0),
        ("k2", HALF**2 / 2, -HALF),
        ("abs", HALF, -1.0),
        ("k3", 1 - HALF, -1.0),  # e^x - x - 1 and 1 - e^x, with x = log 2
    ],
)
def test_estimators(estimator: Any, penalty: float, gradient: float) -> None:
    """Where the policy gives half the probability of the reference."""
    log_prob = torch.tensor([[-HALF]], dtype=torch.float64, requires_grad=True)

    found = kl_penalty(log_prob, torch.zeros(1, 1, dtype=torch.float64), estimator)

    assert found.tolist() == [[pytest.approx(penalty)]]
    (slope,) = torch.autograd.grad(found.sum(), log_prob)
    assert slope.tolist() == [[pytest.approx(gradient)]]


@pytest.mark.parametrize("difference", [3.0, -12.0, 1e6, -1e6])
def test_k3_is_at_most_ten(difference: float) -> None:
    """Beyond, it is constant: finite, and without gradient."""
    log_prob = torch.tensor([[0.0]], requires_grad=True)

    found = kl_penalty(log_prob, torch.tensor([[difference]]))

    assert found.tolist() == [[10.0]]
    assert torch.autograd.grad(found.sum(), log_prob)[0].tolist() == [[0.0]]


def test_entropy_classes() -> None:
    """The quantile is of the row's valid tokens; a token on it is of low entropy."""
    entropy = torch.tensor([[0.0, 1.0, 2.0, 9.0], [3.0, 3.0, 9.0, 9.0], [1.0, 1.0, 1.0, 1.0]])
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])

    found = split_by_entropy(entropy, mask, 0.75)

    assert found.thresholds[:2].tolist() == [1.5, 3.0]
    assert found.thresholds[2].isnan()
    assert found.low.tolist() == [[True, True, False, False], [True] * 2 + [False] * 2, [False] * 4]
    assert found.high.tolist() == [[False, False, True, False], [False] * 4, [False] * 4]


def test_entropy_in_half_precision() -> None:
    """Quantiles need a wider type than a forward pass may have."""
    entropy = torch.tensor([[0.5, 1.0]], dtype=torch.bfloat16)

    assert split_by_entropy(entropy, torch.ones(1, 2), 0.5).thresholds.tolist() == [0.75]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Repetition(0.0, 0)),
        ("one", Repetition(0.0, 0)),
        ("a b c", Repetition(0.0, 1)),
        ("a b A  B\na b", Repetition(3 / 5, 3)),  # ab ba ab ba ab
    ],
)
def test_repetition(text: str, expected: Repetition) -> None:
    """The share of pairs of words that stand earlier in the text, in any case."""
    assert repetition(text, ngram_size=2) == expected
