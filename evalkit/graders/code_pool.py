"""Grades programs side by side: finds the program, judges it once per distinct text, keeps verdicts."""

import hashlib
import threading
import time
from collections import OrderedDict
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalkit.graders.code import Judgement, judge
from evalkit.graders.pool import profile_name
from evalkit.graders.program import find_program
from evalkit.sandbox.docker import MAX_GATHERED, DockerSandbox
from evalkit.sandbox.types import Limits, Mode, Program
from evalkit.teststore import Store
from evalkit.types import (
    CodeTests,
    DataError,
    Grade,
    Problem,
    Sample,
    SandboxError,
    UsageError,
    Verdict,
)

MODES = {"code": Mode.OFFICIAL, "code-process": Mode.PROCESS}
_CACHE_SIZE = 100_000
_NUM_ATTEMPTS = 2


class CodePool:
    """As GraderPool, for programs.

    A failure of the sandbox is tried again, then GRADER_ERROR; so are tests that are missing, or
    are not those that the problem names, at once.
    Raises SandboxError when made, where Docker or the image is missing.
    """

    def __init__(
        self,
        grader: str = "code",
        *,
        num_workers: int | None = None,
        unclosed_thinking: str = "no_answer",
        partial_credit: bool = False,
        sandbox: DockerSandbox | None = None,
    ) -> None:
        self.grader = grader
        self.mode = MODES[grader]
        self.profile = profile_name(unclosed_thinking, grader) + (
            "+partial" if partial_credit else ""
        )
        self._look_into_unclosed = unclosed_thinking == "grade"
        self._partial_credit = partial_credit
        self.sandbox = sandbox or DockerSandbox(num_slots=num_workers)
        # Who waits to run a program alone must not keep a slot from work meanwhile.
        self._threads = ThreadPoolExecutor(self.sandbox.num_slots + MAX_GATHERED)
        self._lock = threading.Lock()
        self._stores: dict[str, Store] = {}
        self._cache: OrderedDict[str, Future[Judgement]] = OrderedDict()
        self._is_closed = False

    def submit(self, problem: Problem, sample: Sample) -> "Future[Grade]":
        return self._threads.submit(self._grade, problem, sample)

    def submit_code(self, code: str, tests: CodeTests) -> "Future[Judgement]":
        """For a program at hand; the future raises as `judge`."""
        return self._threads.submit(self.judge, code, tests)

    def grade(self, problem: Problem, sample: Sample) -> Grade:
        """As `submit`, but waits. Never raises for what a model wrote."""
        return self.submit(problem, sample).result()

    def _grade(self, problem: Problem, sample: Sample) -> Grade:
        tests = problem.target
        if not isinstance(tests, CodeTests):
            raise UsageError(f"grader {self.grader}: problem {problem.id} has no tests")
        found = find_program(
            sample, tests.extraction, look_into_unclosed_thinking=self._look_into_unclosed
        )
        if found.code is None:
            return Grade(verdict=Verdict.NO_ANSWER, score=0.0, rule=found.rule)
        start = time.perf_counter()
        rule = f"{found.rule}, {self.mode}"
        try:
            judgement = self.judge(found.code, tests)
        except (SandboxError, DataError) as error:
            if self._is_closed:
                raise CancelledError from error
            return Grade(verdict=Verdict.GRADER_ERROR, score=None, rule=rule, detail=str(error))
        return Grade(
            verdict=judgement.verdict,
            score=self._score(judgement, tests.num_tests),
            extracted=found.code,
            span=(found.start, found.end),
            rule=rule,
            detail=_detail(judgement, tests.num_tests),
            seconds=round(time.perf_counter() - start, 4),
        )

    def judge(self, code: str, tests: CodeTests) -> Judgement:
        """Equal programs are judged once.

        Raises SandboxError after the second failure of the sandbox, and DataError where the tests are
        missing or are not those that `tests` names.
        """
        key = self._key(code, tests)
        mine: Future[Judgement] = Future()
        with self._lock:
            future = self._cache.setdefault(key, mine)
            self._cache.move_to_end(key)
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
        if future is not mine:
            return future.result()
        try:
            judgement = self._judge(code, tests)
        except BaseException as error:
            with self._lock:
                self._cache.pop(key, None)
            mine.set_exception(error)
            raise
        mine.set_result(judgement)
        return judgement

    def _judge(self, code: str, tests: CodeTests) -> Judgement:
        program = Program(code, self.mode, tests.fn_name)
        limits = Limits(cpu_s=tests.time_limit_s)
        store = self._store(tests.store)
        if (found := store.sha256(tests.problem_id)) != tests.sha256:
            raise DataError(
                f"the tests of problem {tests.problem_id} in {store.path} are not those that the run "
                f"was made with: expected sha256 {tests.sha256}, found {found}"
            )
        for attempt in range(_NUM_ATTEMPTS):
            try:
                return judge(
                    program,
                    lambda: store.cases(tests.problem_id),
                    self.sandbox,
                    limits,
                    runs_all=self._partial_credit,
                )
            except SandboxError:
                if attempt + 1 == _NUM_ATTEMPTS or self._is_closed:
                    raise
        raise AssertionError("unreachable")

    def _key(self, code: str, tests: CodeTests) -> str:
        parts = (
            *(self.sandbox.identity, self.mode, self.sandbox.memory_mib, self._partial_credit),
            *(tests.sha256, tests.problem_id, tests.fn_name, tests.time_limit_s, code),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _store(self, path: str) -> Store:
        with self._lock:
            if path not in self._stores:
                self._stores[path] = Store.open(Path(path))
            return self._stores[path]

    def _score(self, judgement: Judgement, num_tests: int) -> float:
        if self._partial_credit:
            return judgement.num_passed / num_tests
        return float(judgement.verdict is Verdict.CORRECT)

    def describe(self) -> dict[str, Any]:
        """For the manifest: what verdicts depend on besides program and tests."""
        return {"mode": self.mode.value, **self.sandbox.describe()}

    def close(self) -> None:
        """Programs that still run are cut short; what waits is cancelled."""
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.sandbox.close()
        for store in self._stores.values():
            store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _detail(judgement: Judgement, num_tests: int) -> str:
    if judgement.failing_test is None:
        return ""
    return f"test {judgement.failing_test + 1} of {num_tests}: {judgement.detail}"
