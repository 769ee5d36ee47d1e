"""Log-probabilities and entropies of tokens from hidden states, never with all logits at once.

The logits of 8,192 tokens over a vocabulary of 152,000 are 5 GB in float32, and softmax and its
gradient as much again. Here they exist for `chunk_size` tokens at a time, in the forward pass and
once more in the backward pass.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_CHUNK_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class TokenLogProbs:
    """Both (N,) float32, in nats. Only `log_prob` has a gradient."""

    log_prob: Tensor
    entropy: Tensor | None


def token_log_probs(
    hidden: Tensor,
    head: Tensor,
    targets: Tensor,
    *,
    temperature: float = 1.0,
    entropy_temperature: float | None = None,
    chunk_size: int | None = None,
) -> TokenLogProbs:
    """The distribution of each token over the vocabulary is softmax(hidden @ head.T / temperature).

    `hidden` (N, H) are the states that predict `targets` (N,); `head` is (V, H) and is cast to the
    dtype of `hidden`; the softmax is in float32. The entropy, at a temperature of its own, is only
    computed where that is given. `chunk_size` in tokens; None: as many as have 256 MiB of logits.
    """
    chunk_size = chunk_size or max(_CHUNK_BYTES // (4 * head.shape[0]), 1)
    log_prob = _LogProbs.apply(hidden, head, targets, temperature, chunk_size)  # type: ignore[no-untyped-call]
    if entropy_temperature is None:
        return TokenLogProbs(log_prob, None)
    return TokenLogProbs(log_prob, _entropies(hidden, head, entropy_temperature, chunk_size))


class _LogProbs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor, temperature: float, chunk_size: int
    ) -> Tensor:
        weight = head.to(hidden.dtype)
        log_prob = hidden.new_empty(len(hidden), dtype=torch.float32)
        for rows in _chunks(len(hidden), chunk_size):
            log_probs = _log_softmax(hidden[rows], weight, temperature)
            log_prob[rows] = log_probs.gather(1, targets[rows, None]).squeeze(1)
        ctx.save_for_backward(hidden, head, targets)
        ctx.temperature, ctx.chunk_size = temperature, chunk_size
        return log_prob

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of a logit is (1 if it is the target's - its probability) / temperature."""
        hidden, head, targets = ctx.saved_tensors
        weight = head.to(hidden.dtype)
        for_hidden = torch.empty_like(hidden)
        for_head = torch.zeros_like(head) if ctx.needs_input_grad[1] else None
        for rows in _chunks(len(hidden), ctx.chunk_size):
            scale = (gradient[rows] / ctx.temperature)[:, None]
            for_logits = _log_softmax(hidden[rows], weight, ctx.temperature).exp_().mul_(-scale)
            for_logits = for_logits.scatter_add_(1, targets[rows, None], scale).to(hidden.dtype)
            for_hidden[rows] = for_logits @ weight
            if for_head is not None:
                for_head += for_logits.T @ hidden[rows]
        return for_hidden, for_head, None, None, None


@torch.no_grad()
def _entropies(hidden: Tensor, head: Tensor, temperature: float, chunk_size: int) -> Tensor:
    weight = head.to(hidden.dtype)
    entropy = hidden.new_empty(len(hidden), dtype=torch.float32)
    for rows in _chunks(len(hidden), chunk_size):
        log_probs = _log_softmax(hidden[rows], weight, temperature)
        entropy[rows] = -log_probs.exp().mul_(log_probs).sum(dim=1)
    return entropy


def _log_softmax(hidden: Tensor, weight: Tensor, temperature: float) -> Tensor:  # (C, V)
    logits = (hidden @ weight.T).float().div_(temperature)
    return logits.sub_(logits.logsumexp(dim=1, keepdim=True))


def _chunks(num_tokens: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, num_tokens, size)]
