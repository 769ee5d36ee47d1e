"""Sandbox Fusion's `/run_code`, which verl's `reward.sandbox_fusion.url` names: runs a program.

Nothing is judged here: the client compares the output.
"""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request

from evalkit.sandbox.types import Execution, Status
from evalkit.server import bodies
from evalkit.server.bodies import Body, Finite
from evalkit.server.errors import ERROR_SCHEMA, RequestError
from evalkit.server.service import Service
from evalkit.types import SandboxError

_LANGUAGE = "python"
_PATIENCE_S = 9.0  # verl's client waits for 10 s more than both time-outs
_KILLED = 137  # what a shell says of a process that was killed
_BUSY = (429, 503)

_NO_SLOT = {
    "description": "No result in time: ask again.",
    "content": {"application/json": {"schema": ERROR_SCHEMA}},
}
Seconds = Annotated[Finite, Field(gt=0, le=600)]


class RunCodeRequest(Body):
    """`run_timeout` is seconds of CPU time; a program that waits gets 2 s more than twice that.

    A program whose memory, in MiB, had a peak above `memory_limit_MB` counts as killed; 0, a
    negative number and null are no limit. Nothing is compiled.
    """

    code: str
    language: str
    stdin: str | None = None
    compile_timeout: Seconds = 10.0
    run_timeout: Seconds = 10.0
    memory_limit_MB: int | None = -1
    files: dict[str, str | None] = Field(default_factory=dict)
    fetch_files: list[str] = Field(default_factory=list)


class CommandRunResult(Body):
    """`execution_time` is wall time in seconds; bytes that are not UTF-8 become U+FFFD."""

    status: Literal["Finished", "TimeLimitExceeded"]
    execution_time: Finite
    return_code: int | None
    stdout: str
    stderr: str


class RunCodeReply(Body):
    """SandboxError is a failure of ours, with the reason as `message`; nothing was run then."""

    status: Literal["Success", "Failed", "SandboxError"]
    message: str = ""
    compile_result: None = None
    run_result: CommandRunResult | None = None
    executor_pod_name: None = None
    files: dict[str, str] = Field(default_factory=dict)


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["Sandbox Fusion"])

    @routes.post(
        "/run_code", openapi_extra=bodies.describes(RunCodeRequest), responses={504: _NO_SLOT}
    )
    async def run_code(request: Request) -> RunCodeReply:
        """Runs a Python program on `stdin`. Full or late is 504, the one that verl asks again."""
        body = await bodies.read(request, RunCodeRequest)
        _check_supported(body)
        try:
            execution = await _run(service, body)
        except SandboxError as error:
            return RunCodeReply(status="SandboxError", message=str(error))
        result = _result(execution, body.memory_limit_MB or 0)
        return RunCodeReply(
            status="Success" if result.return_code == 0 else "Failed", run_result=result
        )

    return routes


def _check_supported(body: RunCodeRequest) -> None:
    if body.language != _LANGUAGE:
        text = f"language {body.language[:200]!r} is not available; there is: {_LANGUAGE}"
        raise RequestError(422, text, "language")
    for name in ("files", "fetch_files"):
        if getattr(body, name):
            text = f"{name}: programs get their code and stdin here, and leave their output alone"
            raise RequestError(422, text, name)


async def _run(service: Service, body: RunCodeRequest) -> Execution:
    try:
        return await service.run_program(
            body.code,
            body.stdin or "",
            time_limit_s=body.run_timeout,
            deadline_s=body.compile_timeout + body.run_timeout + _PATIENCE_S,
        )
    except RequestError as error:
        if error.status not in _BUSY:
            raise
        raise RequestError(504, str(error), retry_after_s=error.retry_after_s) from error


def _result(execution: Execution, limit_mib: int) -> CommandRunResult:
    is_timeout = execution.status is Status.TIME_LIMIT
    code, reason = (None, "") if is_timeout else _ending(execution, limit_mib)
    stderr = execution.stderr.decode("utf-8", "replace")
    return CommandRunResult(
        status="TimeLimitExceeded" if is_timeout else "Finished",
        execution_time=execution.wall_s,
        return_code=code,
        stdout=execution.stdout.decode("utf-8", "replace"),
        stderr=f"{stderr}\n{reason}\n" if reason else stderr,
    )


def _ending(execution: Execution, limit_mib: int) -> tuple[int, str]:
    """The exit code, and what the sandbox has to say of it."""
    if execution.status in (Status.MEMORY_LIMIT, Status.OUTPUT_LIMIT):
        return _KILLED, f"killed: {execution.detail or execution.status}"
    if 0 < limit_mib < execution.memory_mib:
        used = f"{execution.memory_mib:.0f} MiB of memory"
        return _KILLED, f"killed: {used}, but memory_limit_MB is {limit_mib}"
    if execution.status is Status.OK:
        return 0, ""
    return (execution.exit_code, "") if execution.exit_code else (1, execution.detail)
