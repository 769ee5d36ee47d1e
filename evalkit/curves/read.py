"""Reads the training directories that `evalkit train` writes: what was set, and what was measured."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.jsonl import read_lines
from evalkit.types import RunError

METRICS_FILE = "metrics.jsonl"
TRAIN_FILE = "train.json"

TOTAL_CLIP_SHARE = "actor/pg_clipfrac_total"
"""The one metric that is not in the file but computed here; see `read_run`."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """A metric at the steps that logged it: both (N,), steps ascending, values finite."""

    steps: Integers
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """One training directory. `settings` is all that was set and changes results, but the seed."""

    path: Path
    algorithm: str
    seed: int
    note: str = ""
    settings: Mapping[str, Any]
    metrics: Mapping[str, Series]


def read_run(path: Path) -> TrainingRun:
    """A directory that may still be written to: a torn last line is passed over.

    Adds TOTAL_CLIP_SHARE, the share of tokens whose ratio is out of bounds on the side where that
    counts, which has one meaning for all algorithms: `actor/pg_clipfrac`, or the sum of ASPO's
    `_upper` and `_lower`. (ASPO's also counts tokens with no advantage; there are none where groups
    with equal rewards are left out.)
    Raises RunError where a file is missing, has no step or is damaged, and then names the line.
    """
    metrics = _read_metrics(path / METRICS_FILE)
    total = _total_clip_share(metrics)
    content = _read_object(path / TRAIN_FILE)
    try:
        return TrainingRun(
            path=path,
            algorithm=content["algorithm"]["name"],
            seed=content["spec"]["seed"],
            note=content["spec"].get("note", ""),
            settings=_settings(content),
            metrics=metrics if total is None else {**metrics, TOTAL_CLIP_SHARE: total},
        )
    except (KeyError, TypeError) as error:
        raise RunError(f"{path / TRAIN_FILE} is damaged: {error!r}") from error


def _settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the identity of the run covers, where "algorithm" has what `algorithm_args` changed."""
    covered = content["identity"]["spec"]
    settings = {name: covered[name] for name in covered if name not in ("seed", "algorithm_args")}
    return {"model": content["spec"]["model"], **settings, "algorithm": content["algorithm"]}


def _read_object(file: Path) -> Mapping[str, Any]:
    if not file.is_file():
        raise RunError(f"{file.parent} is no training directory: it has no {file.name}")
    try:
        content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{file} is damaged: {error}") from error
    return content


def _read_metrics(file: Path) -> Mapping[str, Series]:
    if not file.is_file():
        raise RunError(f"{file.parent} is no training directory: it has no {file.name}")
    points: dict[str, dict[int, float]] = {}
    last = -1
    for number, (step, values) in enumerate(read_lines(file, _step), start=1):
        if step <= last:
            raise RunError(f"{file}, line {number} is damaged: step {step} comes after step {last}")
        last = step
        for name, value in values.items():
            points.setdefault(name, {})[step] = value
    if last < 0:
        raise RunError(f"{file} has no complete line yet")
    return {name: _series(one) for name, one in points.items()}


def _step(line: dict[str, Any]) -> tuple[int, dict[str, float]]:
    step = line.pop("step")
    if type(step) is not int or step < 0:
        raise ValueError(f"the step is {step!r}")
    for name, value in line.items():
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ValueError(f"{name} is {value!r}, not a finite number")
    return step, line


def _series(points: Mapping[int, float]) -> Series:
    return Series(np.array(list(points), np.int64), np.array(list(points.values()), np.float64))


def _total_clip_share(metrics: Mapping[str, Series]) -> Series | None:
    upper = metrics.get("actor/pg_clipfrac_upper")
    if upper is None:
        return metrics.get("actor/pg_clipfrac")
    lower = metrics.get("actor/pg_clipfrac_lower")
    if lower is None or not np.array_equal(lower.steps, upper.steps):
        return None
    return Series(upper.steps, upper.values + lower.values)
