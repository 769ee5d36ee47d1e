"""Which samples are decoded together: finished ones leave at once, waiting ones take their place."""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from evalkit.engine import Rollout
from evalkit.engine.hf_batch import Batch, join, prefill
from evalkit.engine.hf_model import HfModel
from evalkit.engine.hf_rows import Row
from evalkit.engine.hf_sampling import Sampler
from evalkit.types import Request, SamplingParams


def decode(
    model: HfModel, requests: Sequence[Request], batch_tokens: int, max_model_len: int | None
) -> Iterator[Rollout]:
    """Requests of equal sampling parameters together, those with long prompts first."""
    groups: defaultdict[SamplingParams, list[Row]] = defaultdict(list)
    for request in requests:
        groups[request.sampling].append(Row(request, model, max_model_len))
    for sampling, rows in groups.items():
        waiting = deque(sorted(rows, key=lambda row: row.length, reverse=True))
        decoder = _Decoder(model, Sampler(sampling))
        while waiting or decoder.running:
            num_new = num_admitted(decoder.running, waiting, batch_tokens)
            decoder.admit([waiting.popleft() for _ in range(num_new)])
            yield from (row.rollout() for row in decoder.step())


def num_admitted(running: Sequence[Row], waiting: Sequence[Row], batch_tokens: int) -> int:
    """How many of `waiting` to let in, so that the batch cannot outgrow `batch_tokens`.

    All rows are as wide as the longest, so the bound is their number times its final length. None
    are let in while they would be fewer than those that run: each time costs a pass, and padding.
    """
    width = max((row.length for row in running), default=0)
    remaining = max((row.remaining for row in running), default=0)
    num_new = 0
    for row in waiting:
        width, remaining = max(width, row.length), max(remaining, row.remaining)
        num_rows = len(running) + num_new + 1
        if num_rows > 1 and num_rows * (width + remaining) > batch_tokens:
            break
        num_new += 1
    return num_new if num_new >= len(running) or num_new == len(waiting) else 0


class _Decoder:
    """Rows with their tensors; row i of `running` is row i of the batch."""

    def __init__(self, model: HfModel, sampler: Sampler) -> None:
        self.running: list[Row] = []
        self._model = model
        self._sampler = sampler
        self._batch: Batch | None = None

    def admit(self, rows: list[Row]) -> None:
        if rows:
            prompts = [row.request.prompt.token_ids for row in rows]
            added = prefill(self._model.network, prompts, self._model.device)
            self._batch = join(self._batch, added) if self._batch else added
            self.running += rows

    def step(self) -> list[Row]:
        """One more token for each row; returns the rows that ended with it."""
        assert self._batch is not None
        logits = self._batch.next_logits(self._model.network)
        generators = [row.generator for row in self.running]
        tokens, log_probs = self._sampler.choose(logits, self._batch.ids, generators)
        self._batch.append(tokens)
        for row, token, value in zip(
            self.running, tokens.tolist(), log_probs.tolist(), strict=True
        ):
            row.add(token, value)
        return self._leave()

    def _leave(self) -> list[Row]:
        ended = [row for row in self.running if row.finish_reason]
        if ended:
            rows = [i for i, row in enumerate(self.running) if not row.finish_reason]
            self.running = [self.running[i] for i in rows]
            width = max((row.length for row in self.running), default=0)
            self._batch = self._batch.keep(rows, width) if self._batch and rows else None
        return ended
