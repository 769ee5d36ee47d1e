"""Sequences of different lengths in rectangular batches, sorted by length so that little is padding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """A prompt and its completion as token ids; the completion has at least one."""

    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]

    @property
    def num_tokens(self) -> int:
        return len(self.prompt_ids) + len(self.completion_ids)


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences from the left, zeros to the right of them: with causal attention these change nothing.

    The N completion tokens of all rows, row by row, are `targets`; `predecessors` are the positions
    of the states that predict them in the rows `rows`.
    """

    input_ids: Tensor  # (B, L)
    targets: Tensor  # (N,)
    rows: Tensor  # (N,)
    predecessors: Tensor  # (N,)
    mask: Tensor  # (B, T) boolean, N of them true
    num_padding: int

    @classmethod
    def of(cls, sequences: Sequence[TokenSequence]) -> Self:
        input_ids = torch.zeros(len(sequences), max(s.num_tokens for s in sequences)).long()
        longest = max(len(s.completion_ids) for s in sequences)
        lengths = torch.tensor([len(s.completion_ids) for s in sequences])
        starts = torch.tensor([len(s.prompt_ids) for s in sequences])
        for row, sequence in enumerate(sequences):
            ids = torch.tensor(sequence.prompt_ids + sequence.completion_ids)
            input_ids[row, : len(ids)] = ids
        mask = torch.arange(longest) < lengths[:, None]
        rows, offsets = mask.nonzero(as_tuple=True)
        positions = starts[rows] + offsets
        num_padding = input_ids.numel() - sum(s.num_tokens for s in sequences)
        targets = input_ids[rows, positions]
        return cls(input_ids, targets, rows, positions - 1, mask, num_padding)

    def spread(self, values: Tensor) -> Tensor:
        """Values (N,) of the completions' tokens at their places in (B, T), zeros elsewhere."""
        mask = self.mask.to(values.device)
        return values.new_zeros(mask.shape).masked_scatter(mask, values)


def micro_batches(sequences: Sequence[TokenSequence], budget: int) -> list[list[int]]:
    """Positions of the sequences, the longest first, so that rows times longest stay in `budget`.

    A sequence that is longer than the budget gets a batch of its own.
    """
    order = sorted(range(len(sequences)), key=lambda i: (-sequences[i].num_tokens, i))
    batches: list[list[int]] = []
    room = 0
    for position in order:
        if room == 0:
            batches.append([])
            room = max(budget // sequences[position].num_tokens, 1)
        batches[-1].append(position)
        room -= 1
    return batches
