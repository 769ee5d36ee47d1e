"""transformers in this process, for machines without vLLM: its models, its cache, its warpers.

The loop over tokens is evalkit's (`hf_decoding`): with `generate` a batch waits for its slowest
sample, and `generate_batch` has one seed for all requests.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from evalkit.engine import Rollout
from evalkit.types import EngineError, Request, Sample, UsageError, unknown

if TYPE_CHECKING:
    from evalkit.engine.hf_model import HfModel

_DTYPES = ("auto", "bfloat16", "float16", "float32")


@dataclass(frozen=True, slots=True, kw_only=True)
class HfArgs:
    """None means: a GPU where there is one; bfloat16 there and float32 on the CPU; no limit.

    `batch_tokens` bounds what is decoded at a time: samples times the length that the longest of
    them may reach, prompt included. A single sample may be longer.
    """

    dtype: str | None = None
    device: str | None = None
    max_model_len: int | None = None
    batch_tokens: int = 65536

    def __post_init__(self) -> None:
        if self.dtype not in (None, *_DTYPES):
            raise unknown("dtype", self.dtype, list(_DTYPES))
        for name in ("max_model_len", "batch_tokens"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and value >= 1):
                raise UsageError(f"{name}={value!r}, but it must be a number of tokens, at least 1")


def parse_args(args: Mapping[str, Any]) -> HfArgs:
    """Raises UsageError for an argument that does not exist or cannot be."""
    known = [field.name for field in fields(HfArgs)]
    if strange := sorted(set(args) - set(known)):
        raise UsageError(f"unknown engine argument {strange[0]!r}; hf has: {', '.join(known)}")
    return HfArgs(**args)


class HfEngine:
    """A RolloutEngine. A sample depends on its request alone, but for the rounding of sums.

    A seed gives the noise that it gives in vLLM with `use_fp64_gumbel`: in float32 on a CPU, both
    engines then give the same samples. At temperature 0, log-probabilities are of temperature 1.
    """

    def __init__(self) -> None:
        self._args = HfArgs()
        self._model: HfModel | None = None

    def load(self, model: Path, args: Mapping[str, Any]) -> None:
        """Loads the model; raises UsageError for an argument that does not exist."""
        self._args = parse_args(args)
        try:
            from evalkit.engine.hf_model import load_model
        except ImportError as error:
            raise EngineError(
                f"the engine hf needs PyTorch, as in pip install 'evalkit[train]' ({error})"
            ) from error
        self._model = load_model(model, self._args.dtype, self._args.device)

    def generate(self, requests: Iterable[Request]) -> Iterator[Sample]:
        for rollout in self.rollout(list(requests)):
            yield rollout.sample

    def rollout(self, requests: Sequence[Request]) -> Iterator[Rollout]:
        """Requests that differ in sampling parameters are decoded one kind after the other."""
        from evalkit.engine.hf_decoding import decode
        from evalkit.engine.hf_model import library_errors

        model, args = self._loaded(), self._args
        with library_errors(RuntimeError):
            yield from decode(model, requests, args.batch_tokens, args.max_model_len)

    def update_weights(self, path: Path) -> None:
        from evalkit.engine.hf_weights import update_weights

        update_weights(self._loaded().network, path)

    def _loaded(self) -> "HfModel":
        if self._model is None:
            raise EngineError("no model is loaded")
        return self._model

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._model = None
