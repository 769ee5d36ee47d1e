"""One request while it is decoded: its tokens, its text, and when it ends. As in vLLM."""

from functools import cached_property

import torch

from evalkit.engine import Rollout
from evalkit.engine.hf_model import HfModel
from evalkit.engine.hf_text import TextStream, find_stop
from evalkit.types import EngineError, Request, Sample


class Row:
    """`finish_reason` is None until the request has ended. A row that waits is small."""

    def __init__(self, request: Request, model: HfModel, max_model_len: int | None) -> None:
        self.request = request
        self.finish_reason: str | None = None
        self._model = model
        self._limit = _limit(request, model.vocab_size, max_model_len)
        self._end: int | None = None  # of the text, where a stop text ended it
        self._token_ids: list[int] = []
        self._log_probs: list[float] = []

    @cached_property
    def generator(self) -> torch.Generator:
        return torch.Generator(self._model.device).manual_seed(self.request.seed)

    @cached_property
    def _text(self) -> TextStream:
        return TextStream(self._model.tokenizer, self.request.prompt.token_ids)

    @property
    def length(self) -> int:
        """In tokens, prompt included."""
        return len(self.request.prompt.token_ids) + len(self._token_ids)

    @property
    def remaining(self) -> int:
        """New tokens that may still come."""
        return self._limit - len(self._token_ids)

    def add(self, token_id: int, log_prob: float) -> None:
        self._token_ids.append(token_id)
        self._log_probs.append(log_prob)
        if token_id in self._model.eos_ids:
            self.finish_reason = "stop"
            return
        self._text.push(token_id)
        if self._is_stopped():
            self.finish_reason = "stop"
        elif self.remaining == 0:
            self.finish_reason = "length"

    def rollout(self) -> Rollout:
        """Tokens of a stop text stay in `token_ids`, though not in the text."""
        request = self.request
        sample = Sample(
            task=request.task,
            problem_id=request.problem.id,
            index=request.index,
            seed=request.seed,
            text=self._text.read()[: self._end],
            finish_reason=self.finish_reason,
            num_tokens=len(self._token_ids),
            thinking_opened=request.prompt.opens_thinking,
        )
        return Rollout(sample, tuple(self._token_ids), tuple(self._log_probs))

    def _is_stopped(self) -> bool:
        if stops := self.request.sampling.stop:
            self._end = find_stop(self._text.read(), stops)
        return self._end is not None


def _limit(request: Request, vocab_size: int, max_model_len: int | None) -> int:
    """Of new tokens. Raises EngineError for a prompt that the model cannot read."""
    prompt, new = request.prompt.token_ids, request.sampling.max_tokens
    name = f"{request.task} problem {request.problem.id}"
    if max(prompt) >= vocab_size:
        raise EngineError(f"{name}: token {max(prompt)}, but the model has {vocab_size} tokens")
    if max_model_len is None:
        return new
    if len(prompt) >= max_model_len:
        raise EngineError(
            f"{name}: a prompt of {len(prompt)} tokens, but max_model_len={max_model_len}"
        )
    return min(new, max_model_len - len(prompt))
