"""Grades programs side by side: finds the program, judges it once per distinct text, keeps verdicts."""

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, Self, TypeVar

from evalkit.graders.cases import CaseReader, Tests, tests_sha256
from evalkit.graders.code import Judgement, judge
from evalkit.graders.code_question import CodeQuestion
from evalkit.graders.execute import execute
from evalkit.graders.futures import CountingThreads, finished, following
from evalkit.graders.memo import Memo
from evalkit.graders.pool import profile_name
from evalkit.graders.program import find_program
from evalkit.sandbox.docker import MAX_GATHERED, DockerSandbox
from evalkit.sandbox.presence import require_sandbox
from evalkit.sandbox.types import Execution, Limits, Mode, Program
from evalkit.types import (
    CodeTests,
    DataError,
    Grade,
    InlineTests,
    Problem,
    Sample,
    SandboxError,
    UsageError,
)

MODES = {"code": Mode.OFFICIAL, "code-process": Mode.PROCESS}
_MEMO_SIZE = 100_000

R = TypeVar("R")


class CodePool:
    """As GraderPool, for programs; `num_failures` counts attempts that failed with the sandbox.

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
        self._threads = CountingThreads(self.sandbox.num_slots + MAX_GATHERED)
        self._memo: Memo[str, Judgement] = Memo(_MEMO_SIZE, lambda _: True)
        self._cases = CaseReader()
        self.num_failures = 0
        self._lock = threading.Lock()
        self._is_closed = False

    def submit(self, problem: Problem, sample: Sample) -> Future[Grade]:
        """The future is finished at once where there is no program, or its verdict is remembered.

        It cannot be cancelled, since others may wait for the same program. Raises UsageError for a
        problem that has no tests.
        """
        known = self.prepare(problem, sample)
        return known if isinstance(known, Future) else known()

    def prepare(
        self, problem: Problem, sample: Sample
    ) -> Future[Grade] | Callable[[], Future[Grade]]:
        """As `submit`, but where a program would have to be run, the function that does so."""
        started = time.perf_counter()
        question = self._question(problem, sample)
        code = question.found.code
        if code is None:
            return finished(question.no_answer())
        known = self._memo.get(key := self._key(code, question.tests))
        seconds = time.perf_counter() - started
        if known is None:
            work = partial(self._find, code, question.tests, key)
            return lambda: _grade_of(question, work(), seconds)
        return _grade_of(question, known, seconds)

    def grade(self, problem: Problem, sample: Sample) -> Grade:
        """As `submit`, but waits. Never raises for what a model wrote."""
        return self.submit(problem, sample).result()

    def submit_code(self, code: str, tests: Tests) -> Future[Judgement]:
        """For a program at hand; equal ones are judged once.

        The future raises SandboxError after the second failure of the sandbox, and DataError where
        the tests are missing or are not those that `tests` names.
        """
        known = self._find(code, tests, self._key(code, tests))
        return finished(known) if isinstance(known, Judgement) else following(known, Future.result)

    def run(self, code: str, stdin: str, *, time_limit_s: float) -> Future[Execution]:
        """Runs a program once, as a plain process and without a verdict; nothing is remembered.

        `time_limit_s` is CPU time. The future raises SandboxError after the second failure of the
        sandbox; it can be cancelled until the program runs.
        """
        program, limits = Program(code, Mode.PROCESS), Limits(cpu_s=time_limit_s)
        given = stdin.encode("utf-8", "surrogatepass")
        work = partial(execute, program, given, self.sandbox, limits)
        return self._threads.submit(self._attempt, work)

    def check(self, *, timeout_s: float = 10.0) -> None:
        """Raises SandboxError where Docker is silent for longer than that, or the image is missing."""
        require_sandbox(timeout_s=timeout_s, language=self.sandbox.language)

    @property
    def num_under_way(self) -> int:
        """Programs that were submitted and have not ended; equal ones count once."""
        return self._threads.num_under_way

    @property
    def capacity(self) -> int:
        """As many programs under way keep all slots of the sandbox busy."""
        return self._threads.num_threads

    def _question(self, problem: Problem, sample: Sample) -> CodeQuestion:
        tests = problem.target
        if not isinstance(tests, CodeTests | InlineTests):
            raise UsageError(f"grader {self.grader}: problem {problem.id} has no tests")
        found = find_program(
            sample, tests.extraction, look_into_unclosed_thinking=self._look_into_unclosed
        )
        return CodeQuestion(
            found=found, tests=tests, mode=self.mode, partial_credit=self._partial_credit
        )

    def _find(self, code: str, tests: Tests, key: str) -> Judgement | Future[Judgement]:
        work = partial(self._judge, code, tests)
        return self._memo.find(key, lambda: self._threads.submit(self._attempt, work))

    def _judge(self, code: str, tests: Tests) -> Judgement:
        return judge(
            Program(code, self.mode, tests.fn_name),
            lambda: self._cases.read(tests),
            self.sandbox,
            Limits(cpu_s=tests.time_limit_s),
            runs_all=self._partial_credit,
        )

    def _attempt(self, work: Callable[[], R]) -> R:
        """Raises CancelledError for what closing the pool has cut short."""
        for is_last in (False, True):
            try:
                return work()
            except SandboxError as error:
                if self._is_closed:
                    raise CancelledError from error
                with self._lock:
                    self.num_failures += 1
                if is_last:
                    raise
        raise AssertionError("unreachable")

    def _key(self, code: str, tests: Tests) -> str:
        parts = (
            *(self.sandbox.identity, self.mode, self.sandbox.memory_mib, self._partial_credit),
            *(tests_sha256(tests), tests.fn_name, tests.time_limit_s, code),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """For the manifest: what verdicts depend on besides program and tests."""
        return {"mode": self.mode.value, **self.sandbox.describe()}

    def close(self) -> None:
        """Programs that still run are cut short; what waits is cancelled."""
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.sandbox.close()
        self._threads.shutdown()  # a store must not be closed while it is read from
        self._cases.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _grade_of(
    question: CodeQuestion, judged: Judgement | Future[Judgement], seconds: float
) -> Future[Grade]:
    """`seconds` were spent so far."""
    if isinstance(judged, Judgement):
        return finished(question.grade(judged, seconds))
    return following(judged, partial(_grade, question, seconds))


def _grade(question: CodeQuestion, seconds: float, done: Future[Judgement]) -> Grade:
    try:
        judgement = done.result()
    except (SandboxError, DataError) as error:
        return question.failure(error)
    return question.grade(judgement, seconds + judgement.wall_s)
