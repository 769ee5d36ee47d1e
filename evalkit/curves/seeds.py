"""Runs that differ in nothing but their seed belong together: their mean and its interval."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from evalkit.curves.intervals import t_half_width
from evalkit.curves.read import Floats, Integers, TrainingRun
from evalkit.curves.smooth import moving_average


@dataclass(frozen=True, slots=True)
class Group:
    """Runs with the same settings. `label` is the algorithm, and what else sets the group apart."""

    label: str
    runs: tuple[TrainingRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The mean over `num_runs` runs at the steps that all of them logged; arrays are (N,).

    `low` and `high` are the 95 % t-interval of that mean, and equal to it for a single run; `least`
    and `most` are the extremes among the runs.
    """

    num_runs: int
    steps: Integers
    mean: Floats
    low: Floats
    high: Floats
    least: Floats
    most: Floats


def group_runs(runs: Sequence[TrainingRun]) -> list[Group]:
    """In the order of the runs. Settings that ran twice with one seed are shown run by run."""
    alike: dict[str, list[TrainingRun]] = {}
    for run in runs:
        alike.setdefault(json.dumps(run.settings, sort_keys=True), []).append(run)
    parts: list[list[TrainingRun]] = []
    for many in alike.values():
        is_by_seed = len({run.seed for run in many}) == len(many)
        parts += [many] if is_by_seed else [[one] for one in many]
    return [Group(_label(part[0], parts), tuple(part)) for part in parts]


def curve_of(group: Group, metric: str, *, smoothing: float = 0.0) -> Curve | None:
    """Of the runs that logged the metric; each is smoothed by itself. None where no step is common."""
    series = [run.metrics[metric] for run in group.runs if metric in run.metrics]
    if not series:
        return None
    steps = reduce(np.intersect1d, (one.steps for one in series))
    if not len(steps):
        return None
    smooth = [moving_average(one, smoothing)[np.isin(one.steps, steps)] for one in series]
    values = np.stack(smooth)  # (S, N)
    mean = values.mean(axis=0)
    half = t_half_width(values) if len(series) > 1 else np.zeros_like(mean)
    return Curve(
        num_runs=len(series),
        steps=steps,
        mean=mean,
        low=mean - half,
        high=mean + half,
        least=values.min(axis=0),
        most=values.max(axis=0),
    )


def _label(run: TrainingRun, parts: list[list[TrainingRun]]) -> str:
    rivals = [part[0] for part in parts if part[0] is not run]
    rivals = [rival for rival in rivals if rival.algorithm == run.algorithm]
    own, others = dict(_flat(run.settings)), [dict(_flat(rival.settings)) for rival in rivals]
    marks = [
        f"{name}={own.get(name)}"
        for name in dict.fromkeys(name for one in (own, *others) for name in one)
        if any(other.get(name) != own.get(name) for other in others)
    ]
    if own in others:
        marks.append(str(run.path))
    return f"{run.algorithm} ({', '.join(marks)})" if marks else run.algorithm


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
