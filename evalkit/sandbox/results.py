"""What a container says of a test, checked: it may have been taken over by a program."""

import re
from typing import Any

from evalkit.sandbox.types import Execution, Status
from evalkit.types import SandboxError

_END = re.compile(r"(exit code|killed by signal) (\d{1,3})")  # runner/attempt.py


def read_result(head: dict[str, Any], payload: bytes, *, has_exit_code: bool) -> Execution:
    """Raises SandboxError for what is no result."""
    try:
        stdout, stderr, value = head["out"], head["err"], head["val"]
        if stdout + stderr + value != len(payload) or min(stdout, stderr, value) < 0:
            raise SandboxError("the container sent a result of another length than announced")
        status, detail = Status(head["status"]), str(head["detail"])
        return Execution(
            index=head["i"],
            status=status,
            detail=detail,
            exit_code=_exit_code(status, detail) if has_exit_code else None,
            stdout=payload[:stdout],
            stderr=payload[stdout : stdout + stderr],
            value=payload[stdout + stderr :],
            cpu_s=float(head["cpu_s"]),
            wall_s=float(head["wall_s"]),
            memory_mib=float(head["memory_mib"]),
            is_starved=bool(head["is_starved"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SandboxError(f"the container sent an incomplete result ({error})") from error


def out_of_memory(index: int) -> Execution:
    return Execution(
        index=index,
        status=Status.MEMORY_LIMIT,
        detail="the memory of the container was used up, and the supervisor with it",
    )


def _exit_code(status: Status, detail: str) -> int | None:
    if status is Status.OK:
        return 0
    end = _END.fullmatch(detail) if status is Status.RUNTIME_ERROR else None
    if end is None:
        return None
    return int(end[2]) if end[1] == "exit code" else -int(end[2])
