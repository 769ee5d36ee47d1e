"""The statistics that NeMo Gym asks for when all rollouts are verified, under its own names."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.server.nemo_bodies import TASK_INDEX, AggregateReply, VerifiedRow

Numbers = NDArray[np.float64]

_LARGEST = 1e100  # so that squares stay finite
_STATISTICS: Mapping[str, Callable[[Numbers], Any]] = {
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "median": np.median,
    "std": lambda values: np.std(values, ddof=1) if len(values) > 1 else 0.0,
}


def aggregate(rows: Iterable[VerifiedRow]) -> AggregateReply:
    """Statistics of every number in the rows, by task and over all; not of the grader's failures.

    Accuracies, in percent, are of the first k rollouts of each task, k being the number that all
    tasks have: their mean, and the share of tasks with one that is right.
    """
    tasks: dict[int, list[VerifiedRow]] = defaultdict(list)
    for row in rows:
        if row.failure_class is None:
            tasks[row.task_index].append(row)
    groups: list[dict[str, int | float]] = [
        {TASK_INDEX: index, "num_rollouts": len(tasks[index]), **_statistics(tasks[index])}
        for index in sorted(tasks)
    ]
    overall = _statistics([row for group in tasks.values() for row in group])
    accuracies = _accuracies(list(tasks.values()))
    means = {name: value for name, value in overall.items() if name.startswith("mean/")}
    return AggregateReply(
        group_level_metrics=groups,
        agent_metrics=overall | accuracies,
        key_metrics=means | accuracies,
    )


def _statistics(rows: Sequence[VerifiedRow]) -> dict[str, float]:
    columns: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, value in _numbers(row).items():
            columns[name].append(value)
    return {
        f"{statistic}/{name}": float(function(np.array(values)))
        for name, values in columns.items()
        for statistic, function in _STATISTICS.items()
    }


def _numbers(row: VerifiedRow) -> dict[str, float]:
    usage = row.response.usage if row.response else None
    fields = {**(row.model_extra or {}), **((usage and usage.model_extra) or {})}
    found = {
        name: float(value)
        for name, value in fields.items()
        if not name.startswith("_ng_") and _is_number(value)
    }
    return found | {"reward": row.reward}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and -_LARGEST < value < _LARGEST


def _accuracies(tasks: Sequence[Sequence[VerifiedRow]]) -> dict[str, float]:
    if not tasks:
        return {}
    k = min(map(len, tasks))
    is_right = np.array([[row.reward > 0 for row in rows[:k]] for rows in tasks])  # (tasks, k)
    return {
        f"pass@1[avg-of-{k}]/accuracy": 100 * float(is_right.mean()),
        f"pass@{k}/accuracy": 100 * float(is_right.any(axis=1).mean()),
    }
