"""Judges a program: runs it in a sandbox on inputs alone, and compares what comes back here."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol

from evalkit.graders.compare import same_text, same_value
from evalkit.sandbox.types import Execution, Limits, Mode, Program, Status
from evalkit.teststore import Case
from evalkit.types import DataError, SandboxError, Verdict

MAX_CODE_CHARS = 2_000_000
_GRACE = 2.0
_SHOWN_CHARS = 200
_VERDICTS = {
    Status.TIME_LIMIT: Verdict.TIME_LIMIT,
    Status.MEMORY_LIMIT: Verdict.MEMORY_LIMIT,
    Status.OUTPUT_LIMIT: Verdict.OUTPUT_LIMIT,
    Status.RUNTIME_ERROR: Verdict.RUNTIME_ERROR,
}


class Sandbox(Protocol):
    """Runs a program on inputs; it never sees an expected output."""

    def run(
        self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
    ) -> Generator[Execution]: ...


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

    Neighbours on the machine slow a program down, so that up to twice the time limit is given. Whoever
    needs more is too slow; whoever needs between one and two limits is run again alone, with the
    limit as it is. Raises SandboxError, also where the machine is too busy to run the program at
    all, and DataError where there is no test.
    """
    if len(program.code) > MAX_CODE_CHARS:
        return Judgement(
            verdict=Verdict.RUNTIME_ERROR,
            status=Status.RUNTIME_ERROR,
            num_passed=0,
            num_run=0,
            failing_test=0,
            detail=f"a program of {len(program.code):,} characters; allowed are {MAX_CODE_CHARS:,}",
        )
    judging = _Judging(program, limits)
    generous = replace(limits, grace=_GRACE)
    judging.run(cases(), sandbox, generous, alone=False, runs_all=runs_all)
    if judging.is_doubtful:
        judging = _Judging(program, limits)
        judging.run(cases(), sandbox, limits, alone=True, runs_all=runs_all)
    return judging.result()


class _Judging:
    def __init__(self, program: Program, limits: Limits) -> None:
        self._program = program
        self._limits = limits
        self._expected: dict[int, str] = {}
        self._num_passed = self._num_run = 0
        self._cpu_s = self._wall_s = 0.0
        self._failure: tuple[int, Verdict, str, Status] | None = None
        self.is_doubtful = False

    def run(
        self,
        cases: Iterable[Case],
        sandbox: Sandbox,
        limits: Limits,
        *,
        alone: bool,
        runs_all: bool,
    ) -> None:
        executions = sandbox.run(self._program, self._inputs(cases), limits, alone=alone)
        with closing(executions):
            for execution in executions:
                self._take(execution, alone=alone)
                if self.is_doubtful or (self._failure and not runs_all):
                    return

    def _inputs(self, cases: Iterable[Case]) -> Iterator[bytes]:
        for index, case in enumerate(cases):
            self._expected[index] = case.output
            yield case.input.encode("utf-8", "surrogatepass")

    def _take(self, execution: Execution, *, alone: bool) -> None:
        expected = self._expected.pop(execution.index)
        self._num_run += 1
        self._cpu_s += execution.cpu_s
        self._wall_s += execution.wall_s
        self._check_machine(execution)
        if not alone and execution.status is not Status.TIME_LIMIT:
            self.is_doubtful = execution.cpu_s > self._limits.cpu_s
            if self.is_doubtful:
                return
        failure = self._failure_of(execution, expected)
        if failure is None:
            self._num_passed += 1
        elif self._failure is None:
            self._failure = (execution.index, *failure, execution.status)

    def _check_machine(self, execution: Execution) -> None:
        """A program can look as if it got no CPU; what counts then is whether others took it."""
        is_cut_short = execution.status is Status.TIME_LIMIT and execution.is_starved
        is_busy = os.getloadavg()[0] > (os.cpu_count() or 1)
        if is_cut_short and is_busy and execution.cpu_s < self._limits.cpu_s:
            raise SandboxError(
                f"the machine is overloaded: {execution.cpu_s:.1f} s of CPU time in "
                f"{execution.wall_s:.0f} s"
            )

    def _failure_of(self, execution: Execution, expected: str) -> tuple[Verdict, str] | None:
        if execution.status is not Status.OK:
            return _VERDICTS[execution.status], _reason(execution)
        if execution.cpu_s > self._limits.cpu_s:
            return Verdict.TIME_LIMIT, f"{execution.cpu_s:.1f} s of CPU time"
        if self._program.fn_name:
            is_strict = self._program.mode is Mode.OFFICIAL
            if self._is_same(expected, execution, is_strict=is_strict):
                return None
            found = execution.value.decode("utf-8", "replace")
        else:
            found = execution.stdout.decode("utf-8", "replace")
            if same_text(expected, found):
                return None
        return Verdict.WRONG, f"expected {_shown(expected)}, got {_shown(found)}"

    def _is_same(self, expected: str, execution: Execution, *, is_strict: bool) -> bool:
        try:
            return same_value(expected, execution.value, is_strict=is_strict)
        except ValueError as error:
            raise DataError(
                f"test {execution.index + 1}: the expected output is not JSON: {_shown(expected)}"
            ) from error

    def result(self) -> Judgement:
        if not self._num_run:
            raise DataError("the problem has no tests: nothing can be said of a program")
        passed = (None, Verdict.CORRECT, "", Status.OK)
        index, verdict, detail, status = self._failure or passed
        return Judgement(
            verdict=verdict,
            status=status,
            num_passed=self._num_passed,
            num_run=self._num_run,
            failing_test=index,
            detail=detail,
            cpu_s=round(self._cpu_s, 4),
            wall_s=round(self._wall_s, 4),
        )


def _reason(execution: Execution) -> str:
    if execution.status is Status.TIME_LIMIT and execution.detail == "wall":
        return f"waited: {execution.wall_s:.1f} s, of which {execution.cpu_s:.1f} s of CPU time"
    if execution.status is Status.TIME_LIMIT:
        return f"more than {execution.cpu_s:.1f} s of CPU time"
    lines = execution.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"{execution.detail}: {_shown(lines[-1])}" if lines else execution.detail


def _shown(text: str) -> str:
    short = (
        text
        if len(text) <= _SHOWN_CHARS
        else f"{text[: _SHOWN_CHARS // 2]} … {text[-_SHOWN_CHARS // 2 :]}"
    )
    return repr(short)
