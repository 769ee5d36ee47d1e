"""Reads what parity compares: a run directory, or rows as trainers log them, in JSON lines or Parquet."""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from evalkit.jsonl import read_lines
from evalkit.pairs.rows import read_rows
from evalkit.parity.items import Item, Outcome, recorded_outcome
from evalkit.parity.labels import prompt_text
from evalkit.parity.rows import RowForm
from evalkit.records import read_manifest, read_problems, read_samples
from evalkit.types import DataError, SampleKey, UsageError


def read_items(path: Path, form: RowForm, *, limit: int | None = None) -> list[Item]:
    """The completions of a run, of a file of rows, or of the `*.jsonl` in a directory of them.

    Of `form` a run has only use for the grader, which stands in for its own. Raises UsageError,
    also where there is nothing to read, and DataError naming the row.
    """
    if (path / "manifest.json").exists():
        if form != RowForm(grader=form.grader):
            raise UsageError(f"{path} is a run directory; only rows need to be told how to be read")
        found = _run_items(path, form.grader)
    else:
        found = (item for file in _files(path) for item in _file_items(file, form))
    items = list(islice(found, limit))
    if not items:
        raise DataError(f"{path} has no completions")
    return items


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.jsonl"))
    if not files:
        raise UsageError(f"{path} is no run directory (no manifest.json), and has no *.jsonl")
    return files


def _file_items(file: Path, form: RowForm) -> Iterator[Item]:
    if file.suffix != ".parquet":
        yield from read_rows(file, form.item)
        return
    from pyarrow import ArrowException, parquet

    try:
        rows = parquet.read_table(file).to_pylist()
    except (OSError, ArrowException) as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    for number, row in enumerate(rows, 1):
        yield form.item(f"{file}, row {number}", row)


def _run_items(path: Path, grader: str | None) -> Iterator[Item]:
    """The last grade by the run's grader counts as logged, by whatever version of its rules."""
    for task, entry in read_manifest(path)["tasks"].items():
        problems = read_problems(path, task)
        recorded = _recorded(path, task, str(entry["grader"]))
        for sample in read_samples(path, task):
            problem = problems[sample.problem_id]
            yield Item(
                where=f"{path / task}, sample {sample.index}",
                problem=problem,
                sample=sample,
                grader=grader or str(entry["grader"]),
                prompt=prompt_text(problem.messages, thinking_opened=sample.thinking_opened),
                logged=recorded.get(sample.key),
            )


def _recorded(path: Path, task: str, grader: str) -> dict[SampleKey, Outcome]:
    lines = read_lines(path / task / "grades.jsonl", partial(_recorded_grade, task))
    return {key: outcome for key, name, outcome in lines if name == grader}


def _recorded_grade(task: str, line: Mapping[str, Any]) -> tuple[SampleKey, str, Outcome]:
    key = (task, str(line["problem_id"]), line["index"])
    return key, str(line["grader"]), recorded_outcome(line, line["score"])
