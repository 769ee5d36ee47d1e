"""Rows of a file of JSON lines, one at a time, each with the place that error messages name."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from evalkit.types import DataError, UsageError

R = TypeVar("R")


def read_rows(path: Path, make: Callable[[str, dict[str, Any]], R]) -> Iterator[R]:
    """What `make` gives for the place and the values of each line that is not empty.

    Raises UsageError where the file cannot be read, and DataError for what are no JSON objects.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    where = f"{path}, line {number}"
                    yield make(where, _values(where, line))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}") from error


def _values(where: str, line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON: {error}") from error
    if not isinstance(values, dict):
        raise DataError(f"{where}: expected a JSON object, found {line[:60].strip()}")
    return values
