"""The Engine protocols. Implementations live beside this file and do not know each other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from evalkit.types import Request, Sample


class Engine(Protocol):
    """Generates completions. Used with `with`; leaving it ends every process that it started."""

    def generate(self, requests: Iterable[Request]) -> Iterator[Sample]:
        """Yields one sample per request, each as soon as it is finished, in any order.

        Raises EngineError when generation cannot go on; samples yielded before that are good.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Rollout:
    """A sample with its tokens, the end-of-sequence token among them where it was sampled.

    `log_probs` are the sampler's, one for each of `token_ids`, in nats, at the temperature of the
    request and before top-k, top-p and min-p cut anything off.
    """

    sample: Sample
    token_ids: tuple[int, ...]
    log_probs: tuple[float, ...]


class RolloutEngine(Engine, Protocol):
    """An engine whose weights can be replaced while it stays up, as training needs."""

    def rollout(self, requests: Sequence[Request]) -> Iterator[Rollout]:
        """As `generate`, with tokens and log-probabilities."""
        ...

    def update_weights(self, path: Path) -> None:
        """Loads the safetensors files in `path`: the names and shapes of the model that is loaded.

        Raises EngineError when that fails.
        """
        ...
