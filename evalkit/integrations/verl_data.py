"""Rows of data for verl from a task of evalkit, shipped or of the user's own."""

from pathlib import Path
from typing import Any

from evalkit.integrations.labels import write_target
from evalkit.task import load_task
from evalkit.types import Answer, Target


def write_rows(task: str, path: Path, *, data_dir: Path | None = None) -> int:
    """Writes the problems of a task as Parquet for `data.train_files` or `data.val_files`.

    Returns the number of rows, whose `extra_info` says how `verl_reward` grades them. Raises
    UsageError for an unknown task, DataError where its data are missing or not as pinned.
    """
    import pyarrow as pa
    from pyarrow import parquet

    rows = _rows(task, data_dir)
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return len(rows)


def _rows(name: str, data_dir: Path | None) -> list[dict[str, Any]]:
    task = load_task(name)
    return [
        {
            "data_source": task.name,
            "prompt": [dict(message) for message in problem.messages],
            "reward_model": {
                "style": "rule",
                "ground_truth": write_target(problem.target, task=task.name),
            },
            "extra_info": {
                "index": index,
                "problem_id": problem.id,
                "grader": task.grader,
                **_tolerances(problem.target),
            },
        }
        for index, problem in enumerate(task.problems(data_dir))
    ]


def _tolerances(target: Target) -> dict[str, float]:
    answer = target if isinstance(target, Answer) else Answer("")
    return {"rel_tolerance": answer.rel_tolerance, "abs_tolerance": answer.abs_tolerance}
