"""The tensors of the samples that are decoded together, and what one forward pass needs of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache


@dataclass(slots=True)
class Batch:
    """Samples side by side, padded on the left, so that all end in the last column.

    `cache` holds the keys and values of all columns but the last. Padding in `ids` repeats a token
    of the same row, so that a repetition penalty finds no token there that the row does not have.
    """

    ids: torch.Tensor  # (B, T)
    mask: torch.Tensor  # (B, T), False for padding
    cache: DynamicCache

    @torch.inference_mode()
    def next_logits(self, network: Any) -> torch.Tensor:
        """(B, V) in float32; the cache grows by the last column, so call it once for each token."""
        positions = self.mask.sum(-1, keepdim=True) - 1  # (B, 1)
        return _forward(network, self.ids[:, -1:], self.mask, positions, self.cache)

    @torch.inference_mode()
    def append(self, tokens: torch.Tensor) -> None:
        """`tokens` (B,) become the last column."""
        self.ids = torch.cat([self.ids, tokens[:, None]], dim=1)
        self.mask = pad(self.mask, (0, 1), value=True)

    @torch.inference_mode()
    def keep(self, rows: Sequence[int], width: int) -> "Batch":
        """The given rows, cut on the left to `width` columns."""
        start = self.ids.shape[1] - width
        index = torch.tensor(rows, device=self.ids.device)
        cache = _map(self.cache, lambda states: states[index, :, start:])
        return Batch(self.ids[index, start:], self.mask[index, start:], cache)


@torch.inference_mode()
def prefill(network: Any, prompts: Sequence[tuple[int, ...]], device: torch.device) -> Batch:
    """A batch of prompts; equal ones are computed once."""
    distinct = list(dict.fromkeys(prompts))
    width = max(2, *map(len, distinct))
    rows = [(*(width - len(prompt)) * prompt[:1], *prompt) for prompt in distinct]
    ids = torch.tensor(rows, device=device)
    lengths = torch.tensor(list(map(len, distinct)), device=device)
    mask = torch.arange(width, device=device) >= width - lengths[:, None]
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    cache = DynamicCache()
    _forward(network, ids[:, :-1], mask[:, :-1], positions[:, :-1], cache)
    place = {prompt: number for number, prompt in enumerate(distinct)}
    return Batch(ids, mask, cache).keep([place[prompt] for prompt in prompts], width)


@torch.inference_mode()
def join(first: Batch, second: Batch) -> Batch:
    width = max(first.ids.shape[1], second.ids.shape[1])
    both = [_widened(batch, width) for batch in (first, second)]
    layers = zip(*(batch.cache for batch in both), strict=True)
    cache = DynamicCache([(torch.cat([a[0], b[0]]), torch.cat([a[1], b[1]])) for a, b in layers])
    ids, mask = (torch.cat([getattr(one, name) for one in both]) for name in ("ids", "mask"))
    return Batch(ids, mask, cache)


def _widened(batch: Batch, width: int) -> Batch:
    missing = width - batch.ids.shape[1]
    if not missing:
        return batch
    ids = torch.cat([batch.ids[:, :1].expand(-1, missing), batch.ids], dim=1)
    cache = _map(batch.cache, lambda states: pad(states, (0, 0, missing, 0)))
    return Batch(ids, pad(batch.mask, (missing, 0), value=False), cache)


def _map(cache: DynamicCache, change: Callable[[torch.Tensor], torch.Tensor]) -> DynamicCache:
    """`change` gets the keys or values of a layer, (B, heads, T, width of a head)."""
    return DynamicCache([(change(keys), change(values)) for keys, values, *_ in cache])


def _forward(
    network: Any,
    ids: torch.Tensor,
    mask: torch.Tensor,
    positions: torch.Tensor,
    cache: DynamicCache,
) -> torch.Tensor:
    output = network(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    logits: torch.Tensor = output.logits[:, -1].float()
    return logits
