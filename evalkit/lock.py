"""One process at a time in a directory. The system lets go of the lock when the process ends."""

import fcntl
import os
from pathlib import Path
from typing import IO

from evalkit.types import RunInUseError


def take_lock(path: Path) -> IO[str]:
    """The open lock file; closing it gives the lock back. Raises RunInUseError, naming the holder."""
    lock = (path / ".lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise RunInUseError(
            f"{path} is in use by another evalkit process (pid {holder})"
        ) from error
    return lock


def sign_lock(lock: IO[str]) -> None:
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
