"""What a step trains on, and how it is divided into mini-batches."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from evalkit.train.batches import Batch, TokenSequence
from evalkit.train.scoring import Scored


@dataclass(frozen=True, slots=True)
class Experience:
    """What a step trains on. Sequences of a group are neighbours; `group_sizes` say how many."""

    sequences: tuple[TokenSequence, ...]
    group_sizes: tuple[int, ...]
    advantages: Tensor  # (B,)
    old: Scored
    reference: Scored | None = None


def mini_batches(
    group_sizes: Sequence[int], num: int, rng: random.Random
) -> Iterator[tuple[int, ...]]:
    """Positions of sequences: groups stay whole, and are spread as evenly as they can be."""
    starts = [0, *accumulate(group_sizes)]
    order = list(range(len(group_sizes)))
    rng.shuffle(order)
    num = min(num, len(group_sizes))
    for i in range(num):
        chosen = order[i * len(order) // num : (i + 1) * len(order) // num]
        yield tuple(p for g in chosen for p in range(starts[g], starts[g + 1]))


def gathered(values: Sequence[Tensor], positions: Sequence[int], batch: Batch) -> Tensor:
    """Of a batch of the sequences at `positions`, the values of their tokens; (B, T)."""
    return batch.spread(torch.cat([values[i] for i in positions]))
