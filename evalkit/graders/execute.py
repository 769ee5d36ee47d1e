"""One run of a program, without a verdict, and what no run says anything of a program for."""

import os
from contextlib import closing

from evalkit.sandbox.types import Execution, Limits, Program, Sandbox, Status
from evalkit.types import SandboxError

MAX_CODE_CHARS = 2_000_000


def execute(program: Program, given: bytes, sandbox: Sandbox, limits: Limits) -> Execution:
    """Raises SandboxError, also where the machine is too busy to run the program at all."""
    if reason := too_large(program):
        return Execution(index=0, status=Status.RUNTIME_ERROR, detail=reason)
    with closing(sandbox.run(program, [given], limits)) as executions:
        execution = next(executions)
    check_machine(execution, limits)
    return execution


def too_large(program: Program) -> str | None:
    """Why a program is not run; None where it can be."""
    if len(program.code) <= MAX_CODE_CHARS:
        return None
    return f"a program of {len(program.code):,} characters; allowed are {MAX_CODE_CHARS:,}"


def check_machine(execution: Execution, limits: Limits) -> None:
    """Raises SandboxError for a program that was stopped because others took the CPU.

    A program can look as if it got no CPU; what counts then is whether the machine was busy.
    """
    is_cut_short = execution.status is Status.TIME_LIMIT and execution.is_starved
    is_busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    if is_cut_short and is_busy and execution.cpu_s < limits.cpu_s:
        raise SandboxError(
            f"the machine is overloaded: {execution.cpu_s:.1f} s of CPU time in "
            f"{execution.wall_s:.0f} s"
        )
