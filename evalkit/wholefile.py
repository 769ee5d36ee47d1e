"""Files that appear whole or not at all, made by one process at a time."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evalkit.types import DataError


@contextmanager
def whole_file(target: Path) -> Iterator[Path | None]:
    """A name to write to, which becomes `target` at the end; None where that is there already.

    Other processes wait meanwhile. What a killed one left is removed, as is what was written when an
    error comes. Raises DataError where the file cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.with_name(f".{target.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if target.exists():
                yield None
                return
            unfinished = target.with_name(f".{target.name}.part")
            unfinished.unlink(missing_ok=True)
            try:
                yield unfinished
                sync(unfinished)
                unfinished.replace(target)
            finally:
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise write_error(target, error, is_full=is_full) from error


def sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def write_error(target: Path, error: Exception, *, is_full: bool) -> DataError:
    if is_full:
        return DataError(
            f"no space left on the disk while writing {target}; free some space, or name another "
            f"directory with EVALKIT_CACHE"
        )
    return DataError(f"cannot write {target}: {error}")
