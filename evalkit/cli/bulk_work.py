"""The work of `evalkit grade-pairs`: opens the pool that fits the grader, and shows how far it is."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress

from evalkit.cli.display import GRADER_ERRORS_EXIT_CODE, resumable
from evalkit.graders.code_pool import MODES, CodePool
from evalkit.graders.opening import open_pool
from evalkit.pairs import grade_answers, grade_pairs
from evalkit.pairs.bulk import Watcher
from evalkit.spec import CODE_GRADERS, GRADERS
from evalkit.types import UsageError, Verdict, unknown

_MAX_TIME_LIMIT_S = 3600
_REDRAWN_EVERY_S = 0.1
_GRADERS_BY_MODE = {mode.value: grader for grader, mode in MODES.items()}


def grade_file(
    file: Path, out: Path, *, grader: str, num_workers: int | None, for_code: Mapping[str, Any]
) -> None:
    """`for_code` has the options that only programs have, as far as they were given."""
    _check(grader, for_code)
    if out.resolve() == file.resolve():
        raise UsageError(f"--out {out} is the file of rows itself; give another")
    options = dict(for_code)
    name = _GRADERS_BY_MODE.get(options.pop("mode", ""), grader)
    with (
        resumable(),
        open_pool(name, num_workers=num_workers) as pool,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        bar = _Bar(progress)
        if isinstance(pool, CodePool):
            counts = grade_pairs(file, out=out, pool=pool, watcher=bar, **options)
        else:
            counts = grade_answers(file, out, pool, watcher=bar)
    listed = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    typer.echo(f"{listed}; {bar.summary()}")
    if counts[Verdict.GRADER_ERROR]:
        raise typer.Exit(GRADER_ERRORS_EXIT_CODE)


def _check(grader: str, given: Mapping[str, Any]) -> None:
    if grader not in GRADERS:
        raise unknown("grader", grader, GRADERS)
    if grader in CODE_GRADERS:
        _check_code_options(grader, given)
    elif given:
        option = next(iter(given)).removesuffix("_s").replace("_", "-")
        raise UsageError(f"--{option} is for programs; the grader {grader!r} has no use for it")


def _check_code_options(grader: str, given: Mapping[str, Any]) -> None:
    if "problems" not in given:
        raise UsageError(f"missing: --problems, the file with the tests for the grader {grader!r}")
    if "mode" in given and given["mode"] not in _GRADERS_BY_MODE:
        raise unknown("mode", given["mode"], _GRADERS_BY_MODE)
    time_limit = given.get("time_limit_s", _MAX_TIME_LIMIT_S)
    if not 0 < time_limit <= _MAX_TIME_LIMIT_S:
        raise UsageError(
            f"--time-limit {time_limit}, but it must be more than 0 and at most "
            f"{_MAX_TIME_LIMIT_S} seconds"
        )


class _Bar(Watcher):
    """A progress bar, redrawn now and then only: a row may take microseconds."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar = progress.add_task("grading", total=None)
        self._num_graded = 0
        self._started = self._drawn = time.monotonic()

    def start(self, num_rows: int) -> None:
        self._progress.update(self._bar, total=num_rows)
        self._started = time.monotonic()

    def graded(self, verdict: Verdict) -> None:
        self._num_graded += 1
        if time.monotonic() - self._drawn > _REDRAWN_EVERY_S:
            self._drawn = time.monotonic()
            self._progress.update(self._bar, completed=self._num_graded)

    def summary(self) -> str:
        """How many rows were graded by now, and how fast."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        return f"{self._num_graded} graded in {seconds:.1f} s, {self._num_graded / seconds:,.0f}/s"
