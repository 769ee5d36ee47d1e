"""Log-probabilities and entropies of whole completions, without gradients."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evalkit.train.batches import Batch, TokenSequence, micro_batches
from evalkit.train.policy import Policy


@dataclass(frozen=True, slots=True)
class Scored:
    """Of each sequence the values of its completion's tokens (T,), on the CPU, in nats."""

    log_probs: tuple[Tensor, ...]
    entropies: tuple[Tensor, ...]


@torch.no_grad()
def score_all(
    policy: Policy, sequences: Sequence[TokenSequence], *, temperature: float, budget: int
) -> Scored:
    """In the order of the sequences; `budget` are the tokens of one pass, padding included.

    The entropies are those at temperature 1.
    """
    log_probs: list[Tensor] = [torch.empty(0)] * len(sequences)
    entropies = list(log_probs)
    for positions in micro_batches(sequences, budget):
        batch = Batch.of([sequences[i] for i in positions])
        found = policy.score(batch, temperature=temperature, entropy_temperature=1.0)
        assert found.entropy is not None
        lengths = [len(sequences[i].completion_ids) for i in positions]
        values = torch.stack([found.log_prob, found.entropy]).cpu()  # (2, N)
        for i, (log_prob, entropy) in zip(
            positions, values.split_with_sizes(lengths, 1), strict=True
        ):
            log_probs[i], entropies[i] = log_prob, entropy
    return Scored(tuple(log_probs), tuple(entropies))
