"""What answers and programs have in common: rows in, a verdict per row out, resumed after any kill."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from evalkit.backlog import Backlog
from evalkit.jsonl import JsonlWriter, read_lines
from evalkit.types import DataError, UsageError, Verdict

_MAX_WAITING = 200


class Row(Protocol):
    """`where` names file and line; `id` is unique within the file."""

    @property
    def where(self) -> str: ...

    @property
    def id(self) -> str: ...


class Watcher:
    """Is told how many rows there are to grade, and of each verdict: from any thread, one by one."""

    def start(self, num_rows: int) -> None:
        return None

    def graded(self, verdict: Verdict) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Destination:
    """The file that verdicts go to, and by which rules they are made: both stand in each line."""

    path: Path
    grader: str
    profile: str

    def check(self) -> None:
        """Raises UsageError for what cannot be written, or has verdicts by other rules."""
        if self.path.is_dir():
            raise UsageError(f"--out {self.path} is a directory; give a file")
        for grader, profile in read_lines(
            self.path, lambda row: (row.get("grader"), row.get("profile"))
        ):
            if (grader, profile) != (self.grader, self.profile):
                raise UsageError(
                    f"{self.path} has verdicts by {grader} {profile}, not by {self.grader} "
                    f"{self.profile}: use another --out"
                )


R = TypeVar("R", bound=Row)
F = TypeVar("F", bound=Future[Any])


def grade_rows(
    read: Callable[[], Iterable[R]],
    out: Destination,
    submit: Callable[[R], F],
    line: Callable[[R, F], Mapping[str, Any]],
    watcher: Watcher,
) -> Counter[Verdict]:
    """Appends to the file what `line` makes of a row and of its future, and counts the verdicts.

    `read` is called twice: all rows are checked before the first is graded. Rows that it has
    already, without a grader error, are passed over.
    """
    out.check()
    ids = _checked_ids(read())
    finished = _finished(out.path)
    counts, lock = Counter(finished.values()), threading.Lock()
    watcher.start(len(ids - finished.keys()))
    with closing(JsonlWriter(out.path)) as writer, Backlog(_MAX_WAITING) as backlog:

        def record(row: R, future: F) -> None:
            values = line(row, future)
            made_by = {"grader": out.grader, "profile": out.profile}
            writer.append({"id": row.id, **made_by, **values})
            with lock:
                counts[Verdict(values["verdict"])] += 1
                watcher.graded(Verdict(values["verdict"]))

        for row in read():
            if row.id not in finished:
                backlog.add(partial(submit, row), partial(record, row))
    return counts


def _checked_ids(rows: Iterable[Row]) -> set[str]:
    seen = set[str]()
    for row in rows:
        if row.id in seen:
            raise DataError(f"{row.where}: the id {row.id!r} was there before")
        seen.add(row.id)
    return seen


def _finished(out: Path) -> dict[str, Verdict]:
    """Without grader errors: those rows are graded again."""
    verdicts = dict(read_lines(out, lambda row: (row["id"], Verdict(row["verdict"]))))
    return {key: one for key, one in verdicts.items() if one is not Verdict.GRADER_ERROR}
