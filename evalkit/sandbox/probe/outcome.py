"""What the probes share."""

import errno
import os

Outcome = tuple[bool, str]
"""Whether the property holds, and what was seen."""

UID = 54321


def drop() -> None:
    os.setsid()
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    os.chdir("/tmp")


def code_name(code: int) -> str:
    return errno.errorcode.get(code, str(code)) if code else "it worked"


def few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
