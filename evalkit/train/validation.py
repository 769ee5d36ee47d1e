"""Validation: an ordinary `evalkit run` of a checkpoint with the engine that is already loaded."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from evalkit import runner
from evalkit.engine import Engine
from evalkit.report.files import read_report
from evalkit.spec import RunSpec

_SHOWN = ("avg", "pass")


def validate(spec: RunSpec, engine: Engine) -> dict[str, float]:
    """The scores of all tasks as `val/{task}/avg@{k}` and so on. What is there already is kept."""
    path = runner.run(spec, engine=engine)
    return validation_metrics(path)


def validation_metrics(path: Path) -> dict[str, float]:
    """Without those that grader errors leave undefined."""
    tasks: dict[str, Any] = read_report(path)["tasks"]
    found = {name: value for task in tasks for name, value in _of_task(task, tasks[task])}
    return {name: value for name, value in found.items() if value is not None}


def _of_task(name: str, task: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    for one in task["metrics"]:
        if one["kind"] in _SHOWN:
            yield f"val/{name}/{one['name']}", one["value"]
    yield f"val/{name}/truncated_ratio", task["shares"]["truncated"]
    yield f"val/{name}/error_ratio", task["num_grader_errors"] / task["num_samples"]


def comparable_scores(lines: Mapping[int, Mapping[str, float]]) -> dict[int, float]:
    """The unweighted mean of the tasks' avg@k, of the steps that have all that any step has."""
    names = {name for line in lines.values() for name in line if "/avg@" in name}
    return {
        step: fmean(line[name] for name in names)
        for step, line in lines.items()
        if names and names <= line.keys()
    }
