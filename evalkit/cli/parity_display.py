"""What `evalkit parity` shows: how far it is, then a table, and a line for each difference."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from evalkit.jsonl import encoded, write_error
from evalkit.parity import Comparison, Difference, Outcome, Summary
from evalkit.types import Answer, UsageError

_SHOWN_CHARS = 120
_LINE_INTERVAL_S = 10.0


class Bars:
    """A bar for each way on standard error; where that is no terminal, a line now and then."""

    def __init__(self, num_items: int) -> None:
        self._num_items = num_items
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._bars: dict[str, TaskID] = {}
        self._last_line = time.monotonic()

    def advance(self, way: str, num_more: int) -> None:
        if way not in self._bars:
            self._bars[way] = self._progress.add_task(way, total=self._num_items)
        bar = self._bars[way]
        self._progress.advance(bar, num_more)
        if self._progress.disable and time.monotonic() - self._last_line > _LINE_INTERVAL_S:
            self._last_line = time.monotonic()
            num_done = self._progress.tasks[bar].completed
            self._console.print(f"{way}: {num_done:.0f}/{self._num_items}", markup=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()


def check_out(out: Path, data: Path) -> None:
    """Raises UsageError for what cannot be written, or is what is read."""
    if out.is_dir() or not out.parent.is_dir():
        raise UsageError(f"--out {out} must be a file in a directory that exists")
    if out.resolve() == data.resolve():
        raise UsageError(f"--out {out} is the file of rows itself; give another")


def write(found: Comparison, out: Path) -> None:
    reference = found.summaries[0].way
    lines = [encoded(_as_dict(one, reference)) + b"\n" for one in found.differences]
    try:
        out.write_bytes(b"".join(lines))
    except OSError as error:
        raise write_error(out, error) from error


def show(found: Comparison) -> None:
    Console(highlight=False, soft_wrap=True).print(_table(found.summaries))
    reference = found.summaries[0].way
    for one in found.differences:
        typer.echo(_line(one, reference))


def _table(summaries: tuple[Summary, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Way", overflow="fold")
    for name in ("Items", "Equal", "Differ", "No score", "Largest", "Mean"):
        table.add_column(name, justify="right")
    for number, one in enumerate(summaries):
        compared = (str(one.num_equal), str(one.num_different), _number(one.largest))
        equal, different, largest = compared if number else ("–", "–", "–")
        cells = (str(one.num_items), equal, different, str(one.num_unscored), largest)
        table.add_row(one.way, *cells, _number(one.mean))
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _line(one: Difference, reference: str) -> str:
    what = ", ".join(one.fields) or "no score"
    sides = f"{reference}: {_described(one.reference)} | {one.way}: {_described(one.other)}"
    return f"{one.item.where}{_problem(one)}: {what} | {sides} | target {_short(_target(one))}"


def _problem(one: Difference) -> str:
    return f", problem {one.item.problem.id}" if one.item.problem.id else ""


def _target(one: Difference) -> str:
    target = one.item.problem.target
    return target.text if isinstance(target, Answer) else f"{target.num_tests} tests"


def _described(outcome: Outcome) -> str:
    score = "no score" if outcome.score is None else _number(outcome.score)
    said = outcome.said
    parts = [score, str(said.get("verdict", ""))]
    parts.append(_short(said["extracted"] or "") if "extracted" in said else "")
    parts.append(f"({said['rule']})" if said.get("rule") else "")
    parts.append(_short(outcome.detail))
    return " ".join(part for part in parts if part)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}…"


def _as_dict(one: Difference, reference: str) -> dict[str, Any]:
    return {
        "way": one.way,
        "reference": reference,
        "where": one.item.where,
        "problem_id": one.item.problem.id,
        "index": one.item.sample.index,
        "differs": list(one.fields) or ["no score"],
        "sides": {reference: asdict(one.reference), one.way: asdict(one.other)},
        "grader": one.item.grader,
        "target": _target(one),
        "completion": one.item.sample.text,
    }
