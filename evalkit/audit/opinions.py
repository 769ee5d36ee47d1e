"""What the rungs of evalkit's own comparison and other people's graders say of one answer."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from evalkit.graders.pool import GraderPool
from evalkit.grading import sample_of
from evalkit.maths.extract import read_gold
from evalkit.types import Answer, Problem

OWN = "math"
OTHERS = ("math-verify", "qwen-math")


@dataclass(frozen=True, slots=True)
class Opinion:
    """Whether gold and answer are equal, by grader and by rung; who did not decide is left out."""

    graders: Mapping[str, bool]
    rungs: Mapping[str, bool]


class Judges:
    """Asks all of them; used with `with`. `num_workers` answers are compared at the same time."""

    def __init__(self, num_workers: int | None = None) -> None:
        self._own = GraderPool(OWN, num_workers=num_workers)
        self._others = {name: GraderPool(name, num_workers=num_workers) for name in OTHERS}
        self._threads = ThreadPoolExecutor(num_workers)
        self._stack = ExitStack()

    def submit(self, gold: Answer, answer: str) -> "Future[Opinion]":
        return self._threads.submit(self._ask, gold, answer)

    def _ask(self, gold: Answer, answer: str) -> Opinion:
        problem, boxed = Problem("", (), gold), sample_of(rf"\boxed{{{answer}}}")
        asked = {name: pool.submit(problem, boxed) for name, pool in self._others.items()}
        comparison, rungs, *_ = self._own.explain(
            read_gold(gold.text),
            answer,
            rel_tolerance=gold.rel_tolerance,
            abs_tolerance=gold.abs_tolerance,
        )
        scores = {name: future.result().score for name, future in asked.items()}
        return Opinion(
            graders=_decided({OWN: comparison.equal, **scores}),
            rungs=_decided({rung.name: rung.verdict for rung in rungs}),
        )

    def __enter__(self) -> Self:
        for pool in (self._own, *self._others.values()):
            self._stack.enter_context(pool)
        self._stack.enter_context(self._threads)
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


def _decided(verdicts: Mapping[str, float | bool | None]) -> dict[str, bool]:
    """A score of 1 is as good as True."""
    return {name: verdict == 1 for name, verdict in verdicts.items() if verdict is not None}
