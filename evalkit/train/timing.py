"""Seconds of a step by phase, under verl's names."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed(metrics: dict[str, float], name: str) -> Iterator[None]:
    """Adds the seconds of the block, as `timing_s/{name}`, to metrics that exist already."""
    started = time.monotonic()
    yield
    metrics[f"timing_s/{name}"] = time.monotonic() - started


class Timer:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._seconds[name] += time.monotonic() - started

    def metrics(self, num_tokens: int) -> dict[str, float]:
        """`num_tokens` are those of the step's prompts and completions; throughput per second."""
        total = time.monotonic() - self._started
        return {
            **{f"timing_s/{name}": seconds for name, seconds in self._seconds.items()},
            "timing_s/step": total,
            "perf/time_per_step": total,
            "perf/total_num_tokens": num_tokens,
            "perf/throughput": num_tokens / total,
        }
