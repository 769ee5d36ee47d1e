"""Grading of answers, the dear part in processes that can be killed.

Safe from any thread and from asyncio. A comparison that crashes, hangs or runs out of memory is
tried once more in a fresh process and then becomes GRADER_ERROR; it never stops the caller and
never costs another comparison its result.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Self

from evalkit.graders.futures import CountingThreads, finished, following
from evalkit.graders.memo import Memo
from evalkit.graders.question import Outcome, Question, foreign_question, own_question
from evalkit.graders.workers import RequestFailedError, Workers
from evalkit.maths.profiles import PROFILES
from evalkit.maths.types import Comparison, Rung
from evalkit.spec import CODE_GRADERS, UNCLOSED_THINKING
from evalkit.types import Answer, Grade, Problem, Sample, UsageError, unknown

_OWN = "math"
_PROGRAMS = "v1"
_MEMO_SIZE = 100_000
_TRIVIAL = ("compare", "1", "1", 0.0, 0.0)


def profile_name(unclosed_thinking: str, grader: str = _OWN) -> str:
    """The rules that a grade was made by, as it stands in every grade.

    Foreign graders read unclosed thinking as their source does, whatever is asked for.
    """
    if unclosed_thinking not in UNCLOSED_THINKING:
        raise unknown("unclosed_thinking", unclosed_thinking, list(UNCLOSED_THINKING))
    version = _PROGRAMS if grader in CODE_GRADERS else PROFILES[grader]
    is_foreign = grader in PROFILES and grader != _OWN
    return version if is_foreign or unclosed_thinking == "no_answer" else f"{version}+unclosed"


class GraderPool:
    """Grades samples; equal comparisons are made once (`num_workers` run at the same time).

    `deadline_s` is wall time for one comparison, `memory_mib` the memory of a worker. The last
    100,000 comparisons are remembered.
    """

    def __init__(
        self,
        grader: str = _OWN,
        *,
        num_workers: int | None = None,
        deadline_s: float = 5.0,
        memory_mib: int = 256,
        unclosed_thinking: str = "no_answer",
    ) -> None:
        if grader not in PROFILES:
            raise unknown("grader", grader, PROFILES)
        self.grader = grader
        self.profile = profile_name(unclosed_thinking, grader)
        self._look_into_unclosed = unclosed_thinking == "grade"
        self._threads = CountingThreads(num_workers or min(os.cpu_count() or 1, 8))
        self._checks = ThreadPoolExecutor(1)
        self._workers = Workers(memory_mib, deadline_s)
        self._memo: Memo[tuple[Any, ...], Outcome] = Memo(_MEMO_SIZE, _is_verdict)

    def submit(self, problem: Problem, sample: Sample) -> "Future[Grade]":
        """The future is finished at once where the comparison is easy or remembered.

        It cannot be cancelled, since others may wait for the same comparison. Raises UsageError
        for a problem that has no answer.
        """
        known = self.prepare(problem, sample)
        return known if isinstance(known, Future) else known()

    def prepare(
        self, problem: Problem, sample: Sample
    ) -> "Future[Grade] | Callable[[], Future[Grade]]":
        """As `submit`, but where a worker would have to be asked, the function that does so."""
        started = time.perf_counter()
        question = self._question(problem, sample)
        known = question.outcome or self._memo.get(question.key)
        seconds = time.perf_counter() - started
        if known is None:
            return partial(self._start, question, seconds)
        return _grade_of(question, known, seconds)

    def _start(self, question: Question, seconds: float) -> "Future[Grade]":
        found = self._memo.find(
            question.key, lambda: self._threads.submit(self._ask, question.request)
        )
        return _grade_of(question, found, seconds)

    def grade(self, problem: Problem, sample: Sample) -> Grade:
        """As `submit`, but waits. Never raises for what a model wrote."""
        return self.submit(problem, sample).result()

    def explain(
        self, gold: str, answer: str, *, rel_tolerance: float = 0.0, abs_tolerance: float = 0.0
    ) -> tuple[Comparison, list[Rung], str, str]:
        """The comparison of two answers, all its steps, and the types of both.

        `equal` is None, and there are no steps, where no worker gave a reply.
        """
        request = ("explain", gold, answer, rel_tolerance, abs_tolerance)
        try:
            found, rungs, *types = self._threads.submit(self._workers.ask, *request).result()
        except RequestFailedError as error:
            return _failed(error), [], "", ""
        return Comparison(**found), [Rung(**rung) for rung in rungs], *types

    def start(self) -> None:
        """Starts the workers, so that the first comparison does not wait for them."""
        self._workers.start()

    def check(self, *, timeout_s: float = 10.0) -> None:
        """Has a worker compare something, a further one where all are busy; starts what has died.

        Raises RequestFailedError where that fails or takes longer than `timeout_s`.
        """
        done = self._checks.submit(self._workers.ask, *_TRIVIAL)
        try:
            done.result(timeout_s)
        except TimeoutError as error:
            done.cancel()
            raise RequestFailedError(f"no worker replied within {timeout_s:g} s") from error
        except CancelledError as error:
            raise RequestFailedError("the pool is being closed") from error

    @property
    def num_failures(self) -> int:
        """How many processes died, hung or ran out of memory at work, and were replaced."""
        return self._workers.num_failures

    @property
    def num_under_way(self) -> int:
        """Comparisons that were submitted and are not made; equal ones count once."""
        return self._threads.num_under_way

    @property
    def capacity(self) -> int:
        """As many comparisons under way keep all workers busy."""
        return 2 * self._threads.num_threads

    def _question(self, problem: Problem, sample: Sample) -> Question:
        target = problem.target
        if not isinstance(target, Answer):
            raise UsageError(f"problem {problem.id} has tests, which {self.grader!r} cannot use")
        if self.grader != _OWN:
            return foreign_question(self.grader, target, sample)
        return own_question(target, sample, look_into_unclosed=self._look_into_unclosed)

    def _ask(self, request: tuple[Any, ...]) -> Outcome:
        started = time.perf_counter()
        try:
            found, answer = self._workers.ask(*request)
            comparison = Comparison(**found)
        except RequestFailedError as error:
            comparison, answer = _failed(error), None
        return Outcome(comparison, time.perf_counter() - started, answer)

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
            self._workers.close()
            for threads in (self._threads, self._checks):
                threads.shutdown(wait=True, cancel_futures=True)


def _grade_of(
    question: Question, outcome: "Outcome | Future[Outcome]", seconds: float
) -> "Future[Grade]":
    """`seconds` were spent so far."""
    if isinstance(outcome, Outcome):
        return finished(question.grade(outcome, seconds))

    def grade(done: "Future[Outcome]") -> Grade:
        return question.grade(done.result(), seconds + done.result().seconds)

    return following(outcome, grade)


def _is_verdict(outcome: Outcome) -> bool:
    return outcome.comparison.equal is not None


def _failed(error: RequestFailedError) -> Comparison:
    return Comparison(None, "comparison failed", str(error))
