"""What the judge makes of times: the sandbox is one that runs nothing and tells a table."""

import os
from collections.abc import Generator, Iterable

import pytest

from evalkit.graders.code import Judgement, judge
from evalkit.sandbox.types import Execution, Limits, Mode, Program, Status
from evalkit.teststore import Case
from evalkit.types import SandboxError, Verdict

LIMITS = Limits(cpu_s=2.0)


class Told:
    """A sandbox with one execution for each run of the one test."""

    def __init__(self, *told: Execution) -> None:
        self._told = list(told)
        self.runs: list[tuple[bool, float]] = []

    def run(
        self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
    ) -> Generator[Execution]:
        self.runs.append((alone, limits.killed_at_cpu_s))
        list(inputs)
        yield self._told.pop(0)


def execution(
    cpu_s: float,
    *,
    status: Status = Status.OK,
    detail: str = "",
    is_starved: bool = False,
) -> Execution:
    return Execution(
        index=0,
        status=status,
        detail=detail,
        stdout=b"1\n",
        cpu_s=cpu_s,
        wall_s=9.0,
        is_starved=is_starved,
    )


def judged(sandbox: Told) -> Judgement:
    program = Program("print(1)", Mode.PROCESS)
    return judge(program, lambda: [Case("", "1")], sandbox, LIMITS)


def test_up_to_twice_the_limit_is_given_among_neighbours_and_alone_the_limit() -> None:
    sandbox = Told(execution(3.9), execution(1.9))

    assert judged(sandbox).verdict is Verdict.CORRECT
    assert sandbox.runs == [(False, 4.0), (True, 2.0)]


def test_a_right_answer_that_came_late_is_too_slow() -> None:
    """The sandbox looks at the clock now and then only: a program may end just before it is seen."""
    found = judged(Told(execution(2.5), execution(2.04)))

    assert (found.verdict, found.status) == (Verdict.TIME_LIMIT, Status.TIME_LIMIT)
    assert (found.failing_test, found.num_passed) == (0, 0)
    assert found.detail == "2.0 s of CPU time; the limit is 2 s"


def test_a_program_that_was_stopped_is_told_the_limit() -> None:
    found = judged(Told(execution(4.06, status=Status.TIME_LIMIT, detail="cpu")))

    assert found.detail == "stopped after 4.1 s of CPU time; the limit is 2 s"


@pytest.mark.parametrize(
    ("cpu_s", "load", "is_starved", "is_verdict"),
    [
        (0.1, 99.0, True, False),
        (0.1, 0.0, True, True),
        (0.1, 99.0, False, True),
        (2.5, 99.0, True, True),
    ],
    ids=["others took the CPU", "nobody else worked", "it waited", "it had its time"],
)
def test_a_program_that_others_kept_from_the_cpu_has_no_verdict(
    monkeypatch: pytest.MonkeyPatch, cpu_s: float, load: float, is_starved: bool, is_verdict: bool
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    sandbox = Told(execution(cpu_s, status=Status.TIME_LIMIT, detail="wall", is_starved=is_starved))

    if is_verdict:
        assert judged(sandbox).verdict is Verdict.TIME_LIMIT
        return
    with pytest.raises(SandboxError, match="overloaded"):
        judged(sandbox)
