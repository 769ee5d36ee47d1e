"""Grades answers in bulk: a file of golds and responses."""

import math
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evalkit.graders.pool import GraderPool
from evalkit.grading import sample_of
from evalkit.pairs.bulk import Destination, Watcher, grade_rows
from evalkit.pairs.rows import read_rows
from evalkit.types import Answer, DataError, Grade, Problem, Verdict


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One row: a response to a problem with the answer `gold`. `where` names file and line.

    The tolerances are those of `evalkit.types.Answer`.
    """

    where: str
    id: str
    gold: str
    response: str
    problem: str
    rel_tolerance: float
    abs_tolerance: float


def grade_answers(
    file: Path, out: Path, pool: GraderPool, *, watcher: Watcher | None = None
) -> Counter[Verdict]:
    """Appends a line per row to `out` as each is graded, and returns how often each verdict came.

    Rows whose id is in `out` already, without a grader error, are passed over: the same command
    resumes. Raises UsageError where `out` was written by another grader, and DataError for a row
    that is not of the right form, before anything is graded.
    """

    def line(_: AnswerRow, future: "Future[Grade]") -> dict[str, Any]:
        return asdict(future.result())

    return grade_rows(
        partial(read_rows, file, _answer_row),
        Destination(out, pool.grader, pool.profile),
        lambda row: pool.submit(_problem(row), sample_of(row.response)),
        line,
        watcher or Watcher(),
    )


def _answer_row(where: str, row: Mapping[str, Any]) -> AnswerRow:
    if "id" not in row or not all(isinstance(row.get(name), str) for name in ("gold", "response")):
        raise DataError(
            f"{where}: expected {{id, gold, response}}, the last two as texts, found {', '.join(row)}"
        )
    problem = row.get("problem") or ""
    if not isinstance(problem, str):
        raise DataError(f"{where}: the problem is not a text")
    return AnswerRow(
        where=where,
        id=str(row["id"]),
        gold=row["gold"],
        response=row["response"],
        problem=problem,
        rel_tolerance=_tolerance(where, "rel_tolerance", row),
        abs_tolerance=_tolerance(where, "abs_tolerance", row),
    )


def _tolerance(where: str, name: str, row: Mapping[str, Any]) -> float:
    value = row.get(name) or 0.0
    if isinstance(value, str | bool | list | dict) or not 0 <= value < math.inf:
        raise DataError(f"{where}: {name} {value!r}, but it must be a number of at least 0")
    return float(value)


def _problem(row: AnswerRow) -> Problem:
    messages = ({"role": "user", "content": row.problem},) if row.problem else ()
    return Problem(row.id, messages, Answer(row.gold, row.rel_tolerance, row.abs_tolerance))
