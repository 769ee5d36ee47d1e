"""One run of a program: what comes back of it, and when nothing can be said of it."""

import os
from collections.abc import Generator, Iterable

import pytest

from evalkit.graders.execute import MAX_CODE_CHARS, execute
from evalkit.sandbox.types import Execution, Limits, Mode, Program, Status
from evalkit.types import SandboxError

LIMITS = Limits(cpu_s=2.0)


class Told:
    """A sandbox that says what it is told to, and then fails as where it was used up."""

    def __init__(self, *told: Execution) -> None:
        self._told = told
        self.given: list[bytes] = []

    def run(
        self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
    ) -> Generator[Execution]:
        self.given += inputs
        yield from self._told
        raise SandboxError("the container ended")


def execution(status: Status, *, is_starved: bool = False) -> Execution:
    return Execution(index=0, status=status, detail="", cpu_s=0.1, is_starved=is_starved)


def test_what_a_program_did_counts_even_where_it_used_up_the_container() -> None:
    told = Told(execution(Status.MEMORY_LIMIT))

    found = execute(Program("", Mode.PROCESS), b"1 2", told, LIMITS)

    assert (found.status, told.given) == (Status.MEMORY_LIMIT, [b"1 2"])


def test_a_sandbox_that_says_nothing_has_failed() -> None:
    with pytest.raises(SandboxError, match="ended"):
        execute(Program("", Mode.PROCESS), b"", Told(), LIMITS)


def test_a_program_that_is_too_large_is_not_run() -> None:
    found = execute(Program("#" * (MAX_CODE_CHARS + 1), Mode.PROCESS), b"", Told(), LIMITS)

    assert (found.status, found.exit_code) == (Status.RUNTIME_ERROR, None)
    assert "2,000,001 characters" in found.detail


@pytest.mark.parametrize("load", [0.0, 99.0])
def test_a_program_that_others_kept_from_the_cpu_has_no_result(
    monkeypatch: pytest.MonkeyPatch, load: float
) -> None:
    """Whether others did shows in the load of the machine."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    told = Told(execution(Status.TIME_LIMIT, is_starved=True))
    program = Program("", Mode.PROCESS)

    if load < 2:
        assert execute(program, b"", told, LIMITS).status is Status.TIME_LIMIT
        return
    with pytest.raises(SandboxError, match="overloaded"):
        execute(program, b"", told, LIMITS)
