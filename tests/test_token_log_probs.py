"""Log-probabilities in chunks against PyTorch's own log_softmax over all logits at once."""

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from evalkit.train.token_log_probs import token_log_probs

TEMPERATURES = st.sampled_from([0.3, 0.7, 1.0, 2.0])
FIRST_CALL_IS_SLOW = settings(deadline=None)


@dataclass(frozen=True)
class Case:
    hidden: Tensor  # (N, H)
    head: Tensor  # (V, H)
    targets: Tensor  # (N,)
    weights: Tensor  # (N,), by which the log-probabilities enter a loss


def make_case(num_tokens: int, width: int, num_words: int, seed: int = 0) -> Case:
    generator = torch.Generator().manual_seed(seed)
    return Case(
        torch.randn(num_tokens, width, generator=generator).requires_grad_(),
        torch.randn(num_words, width, generator=generator).requires_grad_(),
        torch.randint(num_words, (num_tokens,), generator=generator),
        torch.randn(num_tokens, generator=generator),
    )


CASES = st.builds(
    make_case, st.integers(1, 13), st.integers(1, 8), st.integers(2, 40), st.integers(0, 2**31)
)


def plain_log_probs(case: Case, temperature: float) -> Tensor:  # (N, V) float64
    logits = case.hidden.double() @ case.head.double().T
    return (logits / temperature).log_softmax(dim=1)


@FIRST_CALL_IS_SLOW
@given(CASES, TEMPERATURES, st.integers(1, 15))
def test_log_probs_are_those_of_log_softmax(case: Case, temperature: float, chunk: int) -> None:
    """For any cut into chunks, and in float32 at the end."""
    found = token_log_probs(
        case.hidden, case.head, case.targets, temperature=temperature, chunk_size=chunk
    ).log_prob

    expected = plain_log_probs(case, temperature).gather(1, case.targets[:, None]).squeeze(1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4)


@FIRST_CALL_IS_SLOW
@given(CASES, TEMPERATURES, st.integers(1, 15))
def test_gradients_are_those_of_log_softmax(case: Case, temperature: float, chunk: int) -> None:
    """Of the states and of the head, for a weighted sum."""
    found = token_log_probs(
        case.hidden, case.head, case.targets, temperature=temperature, chunk_size=chunk
    ).log_prob
    expected = plain_log_probs(case, temperature).gather(1, case.targets[:, None]).squeeze(1)

    inputs = (case.hidden, case.head)
    ours = torch.autograd.grad((found * case.weights).sum(), inputs)
    theirs = torch.autograd.grad((expected * case.weights.double()).sum(), inputs)
    for mine, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-4)


@FIRST_CALL_IS_SLOW
@given(CASES, TEMPERATURES, TEMPERATURES, st.integers(1, 15))
def test_entropies_have_a_temperature_of_their_own(
    case: Case, temperature: float, entropy_temperature: float, chunk: int
) -> None:
    """-sum p log p over the vocabulary, without a gradient."""
    found = token_log_probs(
        case.hidden,
        case.head,
        case.targets,
        temperature=temperature,
        entropy_temperature=entropy_temperature,
        chunk_size=chunk,
    ).entropy

    log_probs = plain_log_probs(case, entropy_temperature)
    expected = -(log_probs.exp() * log_probs).sum(dim=1)
    assert found is not None
    assert not found.requires_grad
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


def test_no_entropy_unless_asked_for() -> None:
    """It costs as much as the log-probabilities."""
    case = make_case(3, 4, 5)

    assert token_log_probs(case.hidden, case.head, case.targets).entropy is None


def test_equal_logits_by_hand() -> None:
    """Four equally likely tokens: log(1/4) each, and the entropy log 4."""
    found = token_log_probs(
        torch.zeros(2, 3), torch.ones(4, 3), torch.tensor([0, 3]), entropy_temperature=1.0
    )

    assert found.log_prob.tolist() == pytest.approx([-math.log(4)] * 2)
    assert found.entropy is not None
    assert found.entropy.tolist() == pytest.approx([math.log(4)] * 2)


def test_large_logits_overflow_nothing() -> None:
    """Logits of +-1000: one token is certain, the other has -2000 nats; gradients are finite."""
    hidden = torch.tensor([[1000.0], [1000.0]], requires_grad=True)

    found = token_log_probs(
        hidden,
        torch.tensor([[1.0], [-1.0]]),
        torch.tensor([0, 1]),
        entropy_temperature=1.0,
    )
    found.log_prob.sum().backward()

    assert found.log_prob.tolist() == [0.0, -2000.0]
    assert found.entropy is not None
    assert found.entropy.tolist() == [0.0, 0.0]
    assert hidden.grad is not None
    assert hidden.grad.tolist() == [[0.0], [-2.0]]


@pytest.mark.parametrize("chunk", [1, 4, 64])
def test_bfloat16_states_meet_a_float32_head(chunk: int) -> None:
    """The head is rounded to bfloat16 for the product; its gradient is float32, that of the states
    bfloat16, and both are right to bfloat16's 8 bits."""
    case = make_case(16, 32, 50)
    hidden = case.hidden.detach().bfloat16().requires_grad_()

    found = token_log_probs(hidden, case.head, case.targets, chunk_size=chunk).log_prob
    (found * case.weights).sum().backward()

    expected = plain_log_probs(case, 1.0).gather(1, case.targets[:, None]).squeeze(1)
    (expected * case.weights.double()).sum().backward(inputs=[case.hidden])
    head_gradient = case.head.grad
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=0.02, atol=0.2)
    assert hidden.grad is not None
    assert hidden.grad.dtype == torch.bfloat16
    torch.testing.assert_close(hidden.grad.float(), case.hidden.grad, rtol=0.05, atol=0.1)
    assert head_gradient is not None
    assert head_gradient.dtype == torch.float32


def test_a_frozen_head_gets_no_gradient() -> None:
    """As under LoRA, where making one would cost as much as the head is large."""
    case = make_case(3, 4, 5)
    head = case.head.detach()

    token_log_probs(case.hidden, head, case.targets).log_prob.sum().backward()

    assert head.grad is None
    assert case.hidden.grad is not None


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_chunks_change_nothing(chunk: int) -> None:
    """Whether seven tokens are cut or not, but for the rounding of a matrix product."""
    case = make_case(7, 4, 11)

    whole = token_log_probs(case.hidden, case.head, case.targets, chunk_size=7).log_prob
    cut = token_log_probs(case.hidden, case.head, case.targets, chunk_size=chunk).log_prob

    torch.testing.assert_close(cut, whole, rtol=1e-6, atol=1e-6)
