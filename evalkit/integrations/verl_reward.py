"""evalkit's graders as a reward function of verl 0.9.1: `reward.custom_reward_function`.

Does not import verl. Written for the reward managers `naive`, `dapo` and `remote`; `rate_limited`
makes every exception a 0, which is what `compute_score` exists to avoid.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from evalkit.integrations.labels import read_label
from evalkit.integrations.rewards import score_of, submit
from evalkit.types import Grade


def compute_score(
    *,
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any] | None = None,
    grader: str = "math",
    thinking_opened: bool = False,
    fallback: float | None = None,
    url: str = "",
) -> dict[str, float]:
    """The reward of one completion: always the keys `score`, 0 to 1, and `grader_error`, 0 or 1.

    `extra_info` may hold the row's own `grader`, and `rel_tolerance` and `abs_tolerance` of its
    answer. `thinking_opened`: the chat template ends inside `<think>`, as that of DeepSeek-R1's
    distillations. `url`: the reward server that grades, or several by commas; without one the
    grading is done in process.

    A failure of the grader raises GraderFailedError; with `fallback`, that is the score instead,
    which is logged, and `grader_error` is 1. verl's own trainer leaves a completion whose reward
    raised out of its group.
    """
    future = _submitted(solution_str, ground_truth, extra_info or {}, grader, thinking_opened, url)
    return _reward(future.result(), data_source, fallback)


async def compute_score_async(
    *,
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any] | None = None,
    grader: str = "math",
    thinking_opened: bool = False,
    fallback: float | None = None,
    url: str = "",
) -> dict[str, float]:
    """As `compute_score`; verl awaits it, so that no thread waits. Not for the manager `remote`."""
    future = _submitted(solution_str, ground_truth, extra_info or {}, grader, thinking_opened, url)
    return _reward(await asyncio.wrap_future(future), data_source, fallback)


def _submitted(
    completion: str,
    ground_truth: str,
    row: Mapping[str, Any],
    grader: str,
    thinking_opened: bool,
    url: str,
) -> "Future[Grade]":
    tolerances = {name: row.get(name, 0.0) for name in ("rel_tolerance", "abs_tolerance")}
    label = read_label(ground_truth, grader=row.get("grader", grader), **tolerances)
    return submit(label, completion, thinking_opened=thinking_opened, url=url)


def _reward(grade: Grade, data_source: str, fallback: float | None) -> dict[str, float]:
    score = score_of(grade, fallback, f"a completion for {data_source}")
    return {"score": score, "grader_error": float(grade.score is None)}
