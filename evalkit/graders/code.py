"""Judges a program: runs it in a sandbox on inputs alone, and compares what comes back here."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from evalkit.graders.compare import same_text, same_value
from evalkit.graders.execute import check_machine, too_large
from evalkit.sandbox.types import Execution, Limits, Mode, Program, Sandbox, Status
from evalkit.teststore import Case
from evalkit.types import DataError, Verdict

_GRACE = 2.0
_SHOWN_CHARS = 200
_VERDICTS = {
    Status.TIME_LIMIT: Verdict.TIME_LIMIT,
    Status.MEMORY_LIMIT: Verdict.MEMORY_LIMIT,
    Status.OUTPUT_LIMIT: Verdict.OUTPUT_LIMIT,
    Status.RUNTIME_ERROR: Verdict.RUNTIME_ERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What became of a program. `failing_test` counts from 0; None where all tests passed.

    `status` is how the program ended on the test that decided. `cpu_s` and `wall_s` are sums over the
    tests that were run.
    """

    verdict: Verdict
    status: Status
    num_passed: int
    num_run: int
    failing_test: int | None = None
    detail: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0


def judge(
    program: Program,
    cases: Callable[[], Iterable[Case]],
    sandbox: Sandbox,
    limits: Limits,
    *,
    runs_all: bool = False,
) -> Judgement:
    """Runs the tests up to the first that fails, or with `runs_all` all of them.

    Neighbours on the machine slow a program down, so that up to twice the time limit is given.
    Whoever needs more is too slow; a right answer between one and two limits is run again alone,
    with the limit as it is (in mode official without the tests before it).
    Raises SandboxError, also where the machine is too busy to run the program at all, and DataError
    where there is no test.
    """
    if reason := too_large(program):
        return Judgement(
            verdict=Verdict.RUNTIME_ERROR,
            status=Status.RUNTIME_ERROR,
            num_passed=0,
            num_run=0,
            failing_test=0,
            detail=reason,
        )
    judging = _Judging(program, limits)
    judging.run(enumerate(cases()), sandbox, grace=_GRACE, runs_all=runs_all)
    if judging.doubtful:
        slow = ((index, case) for index, case in enumerate(cases()) if index in judging.doubtful)
        judging.run(slow, sandbox, grace=1.0, runs_all=runs_all)
    return judging.result()


class _Judging:
    """`doubtful` are the tests that were right, but too slow among neighbours."""

    def __init__(self, program: Program, limits: Limits) -> None:
        self._program = program
        self._limits = limits
        self._sent: deque[tuple[int, str]] = deque()
        self._num_passed = self._num_run = 0
        self._cpu_s = self._wall_s = 0.0
        self._failures: dict[int, tuple[Verdict, str, Status]] = {}
        self.doubtful: set[int] = set()

    def run(
        self,
        cases: Iterable[tuple[int, Case]],
        sandbox: Sandbox,
        *,
        grace: float,
        runs_all: bool,
    ) -> None:
        """Without grace the program runs alone, and what is too slow is too slow."""
        self._sent.clear()
        limits = replace(self._limits, grace=grace)
        executions = sandbox.run(self._program, self._inputs(cases), limits, alone=grace == 1)
        with closing(executions):
            for execution in executions:
                self._take(execution, is_final=grace == 1)
                if self._failures and not runs_all:
                    return

    def _inputs(self, cases: Iterable[tuple[int, Case]]) -> Iterator[bytes]:
        for index, case in cases:
            self._sent.append((index, case.output))
            yield case.input.encode("utf-8", "surrogatepass")

    def _take(self, execution: Execution, *, is_final: bool) -> None:
        index, expected = self._sent.popleft()
        self._num_run += index not in self.doubtful
        self._cpu_s += execution.cpu_s
        self._wall_s += execution.wall_s
        check_machine(execution, self._limits)
        failure = self._failure_of(index, execution, expected)
        is_slow = failure is None and execution.cpu_s > self._limits.cpu_s
        if is_slow and not is_final:
            self.doubtful.add(index)
        elif is_slow:
            reason = _too_slow(execution, self._limits)
            self._failures[index] = (Verdict.TIME_LIMIT, reason, Status.TIME_LIMIT)
        elif failure:
            self._failures[index] = (*failure, execution.status)
        else:
            self._num_passed += 1

    def _failure_of(
        self, index: int, execution: Execution, expected: str
    ) -> tuple[Verdict, str] | None:
        if execution.status is not Status.OK:
            return _VERDICTS[execution.status], _reason(execution, self._limits)
        if self._program.fn_name:
            is_strict = self._program.mode is Mode.OFFICIAL
            if self._is_same(index, expected, execution.value, is_strict=is_strict):
                return None
            found = execution.value.decode("utf-8", "replace")
        else:
            found = execution.stdout.decode("utf-8", "replace")
            if same_text(expected, found):
                return None
        return Verdict.WRONG, f"expected {_shown(expected)}, got {_shown(found)}"

    def _is_same(self, index: int, expected: str, value: bytes, *, is_strict: bool) -> bool:
        try:
            return same_value(expected, value, is_strict=is_strict)
        except ValueError as error:
            raise DataError(
                f"test {index + 1}: the expected output is not JSON: {_shown(expected)}"
            ) from error

    def result(self) -> Judgement:
        if not self._num_run:
            raise DataError("the problem has no tests: nothing can be said of a program")
        failing_test = min(self._failures, default=None)
        passed = (Verdict.CORRECT, "", Status.OK)
        verdict, detail, status = passed if failing_test is None else self._failures[failing_test]
        return Judgement(
            verdict=verdict,
            status=status,
            num_passed=self._num_passed,
            num_run=self._num_run,
            failing_test=failing_test,
            detail=detail,
            cpu_s=round(self._cpu_s, 4),
            wall_s=round(self._wall_s, 4),
        )


def _reason(execution: Execution, limits: Limits) -> str:
    if execution.status is Status.TIME_LIMIT and execution.detail == "wall":
        return f"waited: {execution.wall_s:.1f} s, of which {execution.cpu_s:.1f} s of CPU time"
    if execution.status is Status.TIME_LIMIT:
        return f"stopped after {_too_slow(execution, limits)}"
    lines = execution.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"{execution.detail}: {_shown(lines[-1])}" if lines else execution.detail


def _too_slow(execution: Execution, limits: Limits) -> str:
    return f"{execution.cpu_s:.1f} s of CPU time; the limit is {limits.cpu_s:g} s"


def _shown(text: str) -> str:
    short = (
        text
        if len(text) <= _SHOWN_CHARS
        else f"{text[: _SHOWN_CHARS // 2]} … {text[-_SHOWN_CHARS // 2 :]}"
    )
    return repr(short)
