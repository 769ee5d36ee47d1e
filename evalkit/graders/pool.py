"""Grading in processes that can be killed: a deadline and a memory limit from outside.

Safe from any thread. A comparison that crashes, hangs or runs out of memory is tried once more in
a fresh process and then becomes GRADER_ERROR; it never stops the caller and never costs another
comparison its result.
"""

import os
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from evalkit.graders import math
from evalkit.graders.process import Worker, WorkerLostError
from evalkit.types import Answer, Grade, Problem, Sample, UsageError, unknown

PROFILE = "v1"
"""Named in every grade; changes whenever the rules change."""


def profile_name(unclosed_thinking: str) -> str:
    """The rules that a grade was made by, as it stands in every grade."""
    if unclosed_thinking not in ("no_answer", "grade"):
        raise UsageError(f"unclosed_thinking={unclosed_thinking!r}; known: grade, no_answer")
    return PROFILE if unclosed_thinking == "no_answer" else f"{PROFILE}+unclosed"


class GraderPool:
    """Grades samples; equal comparisons are made once (`num_workers` run at the same time).

    `deadline_s` is wall time for one comparison, `memory_mib` the address space of a worker.
    """

    def __init__(
        self,
        grader: str = "math",
        *,
        num_workers: int | None = None,
        deadline_s: float = 10.0,
        memory_mib: int = 2048,
        unclosed_thinking: str = "no_answer",
    ) -> None:
        if grader not in math.GRADERS:
            raise unknown("grader", grader, math.GRADERS)
        self.grader = grader
        self.profile = profile_name(unclosed_thinking)
        self._is_closed = False
        self._look_into_unclosed = unclosed_thinking == "grade"
        self._deadline_s = deadline_s
        self._memory_mib = memory_mib
        self._threads = ThreadPoolExecutor(num_workers or min(os.cpu_count() or 1, 8))
        self._local = threading.local()
        self._lock = threading.Lock()
        self._workers: set[Worker] = set()
        self._memo: dict[tuple[str, str], Future[math.Comparison]] = {}

    def submit(self, problem: Problem, sample: Sample) -> "Future[Grade]":
        return self._threads.submit(self._grade, problem, sample)

    def grade(self, problem: Problem, sample: Sample) -> Grade:
        """As `submit`, but waits. Never raises for what a model wrote."""
        return self.submit(problem, sample).result()

    def _grade(self, problem: Problem, sample: Sample) -> Grade:
        if not isinstance(problem.target, Answer):
            raise UsageError(f"problem {problem.id} has tests, which {self.grader!r} cannot use")
        return math.grade(
            problem.target,
            sample,
            compare=self._compare if self.grader == "math" else math.compare_cheaply,
            look_into_unclosed_thinking=self._look_into_unclosed,
        )

    def _compare(self, gold: str, answer: str) -> math.Comparison:
        cheap = math.compare_cheaply(gold, answer)
        if cheap.is_final:
            return cheap
        mine: Future[math.Comparison] = Future()
        with self._lock:
            future = self._memo.setdefault((gold, answer), mine)
        if future is not mine:
            return future.result()
        try:
            comparison = self._ask_worker(gold, answer)
        except BaseException as error:
            self._forget(gold, answer)
            mine.set_exception(error)
            raise
        if comparison.equal is None:
            self._forget(gold, answer)
        mine.set_result(comparison)
        return comparison

    def _forget(self, gold: str, answer: str) -> None:
        with self._lock:
            del self._memo[gold, answer]

    def _ask_worker(self, gold: str, answer: str) -> math.Comparison:
        reason = ""
        for _ in range(2):
            try:
                is_equal = self._my_worker().compare(gold, answer, self._deadline_s)
                return math.Comparison(is_equal, "math-verify")
            except WorkerLostError as error:
                reason = str(error)
                self._discard_my_worker()
        if self._is_closed:
            raise CancelledError
        return math.Comparison(None, "math-verify", f"twice: {reason}")

    def _my_worker(self) -> Worker:
        worker: Worker | None = getattr(self._local, "worker", None)
        if worker is None:
            with self._lock:
                if self._is_closed:
                    raise CancelledError
                worker = self._local.worker = Worker(self._memory_mib, self._deadline_s)
                self._workers.add(worker)
            worker.wait_until_ready()
        return worker

    def _discard_my_worker(self) -> None:
        worker: Worker | None = getattr(self._local, "worker", None)
        if worker is not None:
            self._local.worker = None
            with self._lock:
                self._workers.discard(worker)
            worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Waits for what was submitted; after an error, or when interrupted, it is cancelled."""
        try:
            self._threads.shutdown(wait=error is None)
        finally:
            self._stop()

    def _stop(self) -> None:
        with self._lock:
            self._is_closed = True
            workers = set(self._workers)
        for worker in workers:
            worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in workers:
            worker.close()
