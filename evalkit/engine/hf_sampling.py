"""From logits to tokens, for requests with the same sampling parameters."""

from collections.abc import Sequence

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from evalkit.types import SamplingParams


class Sampler:
    """transformers' warpers in vLLM's order; the noise of a row comes from its own generator."""

    def __init__(self, sampling: SamplingParams) -> None:
        self._is_greedy = sampling.temperature == 0
        self._temperature = sampling.temperature or 1.0
        self._warpers = _warpers(sampling)

    @torch.inference_mode()
    def choose(
        self, logits: torch.Tensor, ids: torch.Tensor, generators: Sequence[torch.Generator]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens and their log-probabilities, (B,) each.

        `logits` (B, V) are of the next token, in float32; `ids` (B, T) are the tokens so far, where
        padding repeats one of them. The log-probabilities are those before penalty and cuts.
        """
        log_probs = (logits / self._temperature).log_softmax(-1)  # (B, V)
        scores = self._warpers(ids, logits)
        tokens = scores.argmax(-1) if self._is_greedy else _sample(scores, generators)
        return tokens, log_probs.gather(-1, tokens[:, None])[:, 0]


def _sample(scores: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """The fastest of exponential clocks with rates p: each token is the first with probability p."""
    noise = torch.empty_like(scores, dtype=torch.float64)  # (B, V)
    for row, generator in zip(noise, generators, strict=True):
        row.exponential_(generator=generator)
    return (scores.softmax(-1) / noise).argmax(-1)


def _warpers(sampling: SamplingParams) -> LogitsProcessorList:
    warpers = LogitsProcessorList()
    if sampling.repetition_penalty != 1:
        warpers.append(RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty)))
    if sampling.temperature == 0:
        return warpers
    warpers.append(TemperatureLogitsWarper(float(sampling.temperature)))
    if sampling.min_p > 0:
        warpers.append(MinPLogitsWarper(sampling.min_p))
    if sampling.top_k > 0:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    return warpers
