"""What Prometheus is told."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from evalkit.types import Grade

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """A registry of its own, so that two servers of one process do not count together."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = self._counter("requests", "Answers, by status.", ("endpoint", "status"))
        self._latency = self._histogram("request_seconds", "Until the last byte.", "endpoint")
        self._items = self._counter("items", "Items that were let in.", ("grader",))
        self._verdicts = self._counter("verdicts", "Grades.", ("grader", "verdict"))
        self._grading = self._histogram("grading_seconds", "Of one item in its pool.", "grader")
        self._grading_of = cache(self._grading.labels)
        self._fallbacks = self._counter(
            "fallback_rewards", "Scores that stand for a failure of the grader.", ("endpoint",)
        )
        self._depth = self._gauge("queue_depth", "Items that wait for their turn.")
        self._under_way = self._gauge("under_way", "Items that a pool works on.")
        self._restarts = _Restarts()
        self._registry.register(self._restarts)

    def count_request(self, endpoint: str, status: int, seconds: float) -> None:
        self._requests.labels(endpoint, str(status)).inc()
        self._latency.labels(endpoint).observe(seconds)

    def count_items(self, grader: str, num_items: int) -> None:
        self._items.labels(grader).inc(num_items)

    def count_grades(self, grades: Iterable[tuple[str, Grade]]) -> None:
        """Each with the name of its grader."""
        verdicts: Counts[tuple[str, str]] = Counts()
        for grader, grade in grades:
            verdicts[grader, grade.verdict.value] += 1
            self._grading_of(grader).observe(grade.seconds)
        for labels, count in verdicts.items():
            self._verdicts.labels(*labels).inc(count)

    def count_fallback(self, endpoint: str) -> None:
        self._fallbacks.labels(endpoint).inc()

    def watch_desk(
        self, grader: str, depth: Callable[[], float], under_way: Callable[[], float]
    ) -> None:
        """The functions are called whenever the metrics are asked for."""
        self._depth.labels(grader).set_function(depth)
        self._under_way.labels(grader).set_function(under_way)

    def watch_restarts(self, grader: str, count: Callable[[], int]) -> None:
        """Of worker processes and sandboxes that failed."""
        self._restarts.of[grader] = count

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def _counter(self, name: str, help_text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(f"evalkit_{name}", help_text, labels, registry=self._registry)

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(f"evalkit_{name}", help_text, ("grader",), registry=self._registry)

    def _histogram(self, name: str, help_text: str, label: str) -> Histogram:
        return Histogram(
            f"evalkit_{name}", help_text, (label,), buckets=_SECONDS, registry=self._registry
        )


class _Restarts(Collector):
    """A counter that the pools keep themselves."""

    def __init__(self) -> None:
        self.of: dict[str, Callable[[], int]] = {}

    def collect(self) -> Iterator[CounterMetricFamily]:
        text = "Workers and sandboxes that failed and were replaced."
        family = CounterMetricFamily("evalkit_worker_restarts", text, labels=("grader",))
        for grader, count in self.of.items():
            family.add_metric((grader,), count())
        yield family
