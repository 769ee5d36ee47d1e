"""Problems of code benchmarks: what is asked, and which tests in which store belong to it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.hubtests import fn_name
from evalkit.teststore import StoredProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """`starter` is code to begin with, empty for a program that reads stdin."""

    id: str
    question: str
    starter: str
    fn_name: str | None
    store: Path
    num_tests: int
    tests_sha256: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The problems of a task. `left_out` has the reason for each that could not be asked.

    `file_sha256` is that of the user's own file. `notes` belong with every number.
    """

    rows: list[CodeRow]
    left_out: Mapping[str, str]
    notes: tuple[str, ...] = ()
    file_sha256: str | None = None


def code_row(store: Path, problem: StoredProblem) -> CodeRow:
    fields = problem.fields
    return CodeRow(
        id=problem.id,
        question=fields["question_content"],
        starter=fields["starter_code"],
        fn_name=fn_name(fields),
        store=store,
        num_tests=problem.num_tests,
        tests_sha256=problem.sha256,
        metadata={
            "title": fields["question_title"],
            "platform": fields["platform"],
            "difficulty": fields["difficulty"],
            "contest_date": fields["contest_date"],
            "num_public_tests": problem.num_public,
        },
    )


def statements_sha256(rows: Iterable[CodeRow]) -> str:
    """Over one JSON line [id, title, question, starter, date, function] per problem, without tests."""
    lines = (
        json.dumps(
            [
                row.id,
                row.metadata["title"],
                row.question,
                row.starter,
                row.metadata["contest_date"],
                row.fn_name,
            ]
        )
        for row in rows
    )
    return _sha256(lines)


def tests_sha256(rows: Iterable[CodeRow]) -> str:
    return _sha256(f"{json.dumps(row.id)} {row.tests_sha256}" for row in rows)


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
