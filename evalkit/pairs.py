"""Grades programs in bulk: a file of programs against a file of problems, without a run directory."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.graders.code import Judgement
from evalkit.graders.code_pool import CodePool
from evalkit.graders.program import EXTRACTIONS, find_program
from evalkit.jsonl import JsonlWriter, read_lines
from evalkit.teststore import Store, cached_store
from evalkit.types import CodeTests, DataError, Sample, SandboxError, UsageError, Verdict, unknown

_MAX_WAITING = 200


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
    done: Callable[[Verdict], None] = lambda _: None,
) -> Counter[Verdict]:
    """Appends a line per row to `out` as each is judged, and returns how often each verdict came.

    Rows whose id is in `out` already, without a grader error, are passed over: the same command
    resumes. Raises UsageError or DataError for input that is not of the right form.
    """
    if extraction not in EXTRACTIONS:
        raise unknown("extraction", extraction, list(EXTRACTIONS))
    with Store.open(cached_store(problems)) as store:
        rows = list(_read_pairs(pairs))
        _check(rows, store, problems)
        finished = _finished(out)
        with closing(_Work(JsonlWriter(out), Counter(finished.values()), done)) as work:
            for row in rows:
                if row.id not in finished:
                    work.add(row, _submitted(row, store, pool, time_limit_s, extraction))
            work.wait()
            return work.counts


def _submitted(
    row: Pair, store: Store, pool: CodePool, time_limit_s: float, extraction: str
) -> "Future[Judgement] | None":
    problem = store.problem(row.question_id)
    tests = CodeTests(
        store=str(store.path),
        problem_id=problem.id,
        num_tests=problem.num_tests,
        sha256=problem.sha256,
        fn_name=json.loads(problem.fields["metadata"] or "{}").get("func_name"),
        time_limit_s=time_limit_s,
        extraction=extraction,
    )
    code = _found(row.text, extraction) if row.is_response else row.text
    return None if code is None else pool.submit_code(code, tests)


def _found(response: str, extraction: str) -> str | None:
    sample = Sample(
        task="pairs",
        problem_id="",
        index=0,
        seed=None,
        text=response,
        finish_reason=None,
        num_tokens=None,
    )
    return find_program(sample, extraction).code


class _Work:
    """What is under way: written as it ends, in any order, a bounded number at a time."""

    def __init__(
        self, out: JsonlWriter, counts: Counter[Verdict], done: Callable[[Verdict], None]
    ) -> None:
        self._out = out
        self.counts = counts
        self._done = done
        self._lock = threading.Lock()
        self._places = threading.Semaphore(_MAX_WAITING)
        self._failure: BaseException | None = None

    def add(self, row: Pair, future: "Future[Judgement] | None") -> None:
        self._places.acquire()
        self._raise_failure()
        if future is None:
            self._write(row, {"verdict": Verdict.NO_ANSWER, "score": 0.0})
            self._places.release()
        else:
            future.add_done_callback(lambda one: self._record(row, one))

    def wait(self) -> None:
        for _ in range(_MAX_WAITING):
            self._places.acquire()
        self._raise_failure()

    def close(self) -> None:
        self._out.close()

    def _record(self, row: Pair, future: "Future[Judgement]") -> None:
        try:
            self._write(row, _line(future))
        except BaseException as error:  # noqa: BLE001 - raised in the main thread
            self._failure = self._failure or error
        finally:
            self._places.release()

    def _write(self, row: Pair, values: Mapping[str, Any]) -> None:
        self._out.append({"id": row.id, "question_id": row.question_id, **values})
        with self._lock:
            self.counts[Verdict(values["verdict"])] += 1
        self._done(Verdict(values["verdict"]))

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _line(future: "Future[Judgement]") -> dict[str, Any]:
    try:
        judgement = future.result()
    except (SandboxError, DataError) as error:
        return {"verdict": Verdict.GRADER_ERROR, "score": None, "detail": str(error)}
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


def _read_pairs(path: Path) -> Iterator[Pair]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _pair(line, f"{path}, line {number}")


def _pair(line: str, where: str) -> Pair:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: expected a JSON object, found {line[:60]}")
    text = {name: row[name] for name in ("code", "response") if isinstance(row.get(name), str)}
    if "id" not in row or not isinstance(row.get("question_id"), str) or len(text) != 1:
        raise DataError(
            f"{where}: expected {{id, question_id, code or response}}, found {', '.join(row)}"
        )
    ((name, content),) = text.items()
    return Pair(where, str(row["id"]), row["question_id"], content, name == "response")


def _check(rows: list[Pair], store: Store, problems: Path) -> None:
    known, seen = set(store.ids()), set()
    for row in rows:
        if row.question_id not in known:
            raise DataError(f"{row.where}: {problems} has no problem {row.question_id!r}")
        if row.id in seen:
            raise DataError(f"{row.where}: the id {row.id!r} was there before")
        seen.add(row.id)


def _finished(out: Path) -> dict[str, Verdict]:
    """Without grader errors: those rows are judged again."""
    verdicts = dict(read_lines(out, lambda row: (row["id"], Verdict(row["verdict"]))))
    return {key: one for key, one in verdicts.items() if one is not Verdict.GRADER_ERROR}
