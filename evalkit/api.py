"""The public Python interface: the same runs, run directories and grades as the command line."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import runner
from evalkit.graders.opening import Pool, open_pool
from evalkit.progress import Progress
from evalkit.records import read_manifest
from evalkit.report.files import open_records, read_report
from evalkit.report.join import RECORD_COLUMNS
from evalkit.spec import RunSpec
from evalkit.task import load_task
from evalkit.types import Grade, Problem, Sample, UsageError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Run:
    """A run directory, complete or still being written."""

    path: Path

    @property
    def manifest(self) -> dict[str, Any]:
        return read_manifest(self.path)

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json; computed anew where the run has gone on since."""
        return read_report(self.path)

    def to_pandas(self) -> "pd.DataFrame":
        """One row per sample: the columns of samples.jsonl and of the grade that counts."""
        import pandas as pd

        with open_records(self.path) as files:
            tables = [pd.read_parquet(file) for file in files.values()]
        empty = pd.DataFrame(columns=RECORD_COLUMNS)
        return pd.concat(tables, ignore_index=True) if tables else empty


def run(spec: RunSpec, *, progress: Progress | None = None) -> Run:
    """Runs, or resumes, what `spec` asks for; the same as `evalkit run`."""
    return Run(runner.run(spec, progress=progress))


def load_run(path: str | Path) -> Run:
    """Raises RunError where `path` is not a run directory."""
    read_manifest(Path(path))
    return Run(Path(path))


def grade(
    task: str,
    *,
    problem_id: str,
    completion: str,
    thinking_opened: bool = False,
    data_dir: str | Path | None = None,
) -> Grade:
    """Grades one completion of one problem of a task, as `evalkit run` would.

    `thinking_opened`: the prompt ended inside `<think>`. Raises UsageError for an unknown problem.
    """
    problems = _problems(task, Path(data_dir) if data_dir else None)
    if problem_id not in problems:
        examples = ", ".join(list(problems)[:3])
        raise UsageError(
            f"{task} has no problem {problem_id!r}; it has {len(problems)}, as {examples}"
        )
    sample = Sample(
        task=task,
        problem_id=problem_id,
        index=0,
        seed=None,
        text=completion,
        finish_reason=None,
        num_tokens=None,
        thinking_opened=thinking_opened,
    )
    return _pool(load_task(task).grader).grade(problems[problem_id], sample)


@cache
def _problems(task: str, data_dir: Path | None) -> dict[str, Problem]:
    return {problem.id: problem for problem in load_task(task).problems(data_dir)}


@cache
def _pool(grader: str) -> Pool:
    """Its workers and containers end by themselves when this process does."""
    return open_pool(grader, num_workers=1)
