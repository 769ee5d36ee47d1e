"""Grades programs in bulk: a file of programs against a file of problems."""

import json
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evalkit.graders.code import Judgement
from evalkit.graders.code_pool import CodePool
from evalkit.graders.futures import finished
from evalkit.graders.program import EXTRACTIONS, find_program
from evalkit.grading import sample_of
from evalkit.pairs.bulk import Destination, Watcher, grade_rows
from evalkit.pairs.rows import read_rows
from evalkit.teststore import Store, cached_store
from evalkit.types import CodeTests, DataError, SandboxError, Verdict, unknown


@dataclass(frozen=True, slots=True)
class Pair:
    """One row: a program, or a response that holds one, for a problem. `where` names file and line."""

    where: str
    id: str
    question_id: str
    text: str
    is_response: bool


def grade_pairs(
    pairs: Path,
    problems: Path,
    out: Path,
    pool: CodePool,
    *,
    time_limit_s: float = 6.0,
    extraction: str = "last-block",
    watcher: Watcher | None = None,
) -> Counter[Verdict]:
    """Appends a line per row to `out` as each is judged, and returns how often each verdict came.

    Rows whose id is in `out` already, without a grader error, are passed over: the same command
    resumes. Raises UsageError where `out` was written by another grader, and UsageError or DataError
    for input that is not of the right form.
    """
    if extraction not in EXTRACTIONS:
        raise unknown("extraction", extraction, list(EXTRACTIONS))
    with Store.open(cached_store(problems)) as store:
        make = partial(_pair, known=frozenset(store.ids()), problems=problems)

        def submit(row: Pair) -> "Future[Judgement] | Future[None]":
            code = _code(row, extraction)
            if code is None:
                return finished(None)
            return pool.submit_code(code, _tests(store, row.question_id, time_limit_s, extraction))

        read = partial(read_rows, pairs, make)
        destination = Destination(out, pool.grader, pool.profile)
        return grade_rows(read, destination, submit, _line, watcher or Watcher())


def _pair(where: str, row: Mapping[str, Any], *, known: frozenset[str], problems: Path) -> Pair:
    text = {name: row[name] for name in ("code", "response") if isinstance(row.get(name), str)}
    if "id" not in row or not isinstance(row.get("question_id"), str) or len(text) != 1:
        raise DataError(
            f"{where}: expected {{id, question_id, code or response}}, found {', '.join(row)}"
        )
    if row["question_id"] not in known:
        raise DataError(f"{where}: {problems} has no problem {row['question_id']!r}")
    ((name, content),) = text.items()
    return Pair(where, str(row["id"]), row["question_id"], content, name == "response")


def _tests(store: Store, question_id: str, time_limit_s: float, extraction: str) -> CodeTests:
    problem = store.problem(question_id)
    return CodeTests(
        store=str(store.path),
        problem_id=problem.id,
        num_tests=problem.num_tests,
        sha256=problem.sha256,
        fn_name=json.loads(problem.fields["metadata"] or "{}").get("func_name"),
        time_limit_s=time_limit_s,
        extraction=extraction,
    )


def _code(row: Pair, extraction: str) -> str | None:
    return find_program(sample_of(row.text), extraction).code if row.is_response else row.text


def _line(row: Pair, future: "Future[Judgement] | Future[None]") -> dict[str, Any]:
    return {"question_id": row.question_id, **_verdict(future)}


def _verdict(future: "Future[Judgement] | Future[None]") -> dict[str, Any]:
    try:
        judgement = future.result()
    except (SandboxError, DataError) as error:
        return {"verdict": Verdict.GRADER_ERROR, "score": None, "detail": str(error)}
    if judgement is None:
        return {"verdict": Verdict.NO_ANSWER, "score": 0.0}
    return {
        "verdict": judgement.verdict,
        "score": float(judgement.verdict is Verdict.CORRECT),
        "failing_test": judgement.failing_test,
        "status": judgement.status,
        "num_passed": judgement.num_passed,
        "num_run": judgement.num_run,
        "detail": judgement.detail,
        "cpu_s": judgement.cpu_s,
        "wall_s": judgement.wall_s,
    }
