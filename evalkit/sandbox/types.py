"""What goes into a sandbox and what comes out. No expected output is among it."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

_STARVED_FACTOR = 5


class Mode(StrEnum):
    """How programs are run, and with which rules their outputs are compared.

    OFFICIAL has the verdicts of the official LiveCodeBench harness on honest programs; PROCESS runs
    a plain process for each test.
    """

    OFFICIAL = "official"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """For one test. A program is killed at `cpu_s` times `grace`, or, waiting, at `wall_s`.

    `cpu_s` is CPU time. One that could run but does not get the CPU may wait for `starved_wall_s`.
    `output_mib` bounds stdout and a returned value each.
    """

    cpu_s: float = 6.0
    grace: float = 1.0
    output_mib: int = 32

    @property
    def killed_at_cpu_s(self) -> float:
        return self.grace * self.cpu_s

    @property
    def wall_s(self) -> float:
        return 2 * self.cpu_s + 2

    @property
    def starved_wall_s(self) -> float:
        return _STARVED_FACTOR * self.wall_s


@dataclass(frozen=True, slots=True)
class Program:
    """`fn_name`: the function, or method of Solution, to call; None: a program that reads stdin."""

    code: str
    mode: Mode
    fn_name: str | None = None

    @property
    def has_exit_code(self) -> bool:
        """Whether a test ends with the end of its process, and not with the end of a call."""
        return self.mode is Mode.PROCESS and self.fn_name is None


class Status(StrEnum):
    OK = "ok"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    RUNTIME_ERROR = "runtime_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What one test did. `value` is a returned value as typed JSON (sandboxes/python/runner/values.py).

    `exit_code` is negative for a signal, and None where the program was stopped or did not end with
    the test. `stderr` is cut off after 64 KiB. `memory_mib` is the peak of the process where it ended
    with the test, else 0. `is_starved`: the program was ready to run most of the time and did not get
    the CPU.
    """

    index: int
    status: Status
    detail: str
    exit_code: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    value: bytes = b""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    memory_mib: float = 0.0
    is_starved: bool = False


class Sandbox(Protocol):
    """Runs a program on inputs; it never sees an expected output."""

    def run(
        self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
    ) -> Generator[Execution]: ...
