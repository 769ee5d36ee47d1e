"""The samples of each step with their grades, in a file for each: `rollouts/STEP.jsonl`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalkit.jsonl import encoded, write_error
from evalkit.train.collection import Graded
from evalkit.types import Answer, Target

ROLLOUTS_DIR = "rollouts"


def write_rollouts(directory: Path, step: int, graded: Sequence[Graded]) -> None:
    """For `evalkit parity`; replaces the file of a step that is made again.

    `target` is what a trainer's data would hold. A sample that could not be graded has no score.
    """
    path = directory / ROLLOUTS_DIR / f"{step}.jsonl"
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(exist_ok=True)
        temporary.write_bytes(b"".join(encoded(_line(step, one)) + b"\n" for one in graded))
        temporary.replace(path)
    except OSError as error:
        raise write_error(path, error) from error


def _line(step: int, one: Graded) -> dict[str, Any]:
    sample, grade = one.rollout.sample, asdict(one.grade)
    return {
        "step": step,
        "task": sample.task,
        "problem_id": sample.problem_id,
        "index": sample.index,
        "grader": one.problem.grader,
        "target": _target(one.problem.problem.target, sample.task),
        "completion": sample.text,
        "thinking_opened": sample.thinking_opened,
        "finish_reason": sample.finish_reason,
        **{
            name: grade[name]
            for name in ("score", "verdict", "extracted", "span", "rule", "detail")
        },
    }


def _target(target: Target, task: str) -> dict[str, Any]:
    if isinstance(target, Answer):
        tolerances = {"rel_tolerance": target.rel_tolerance, "abs_tolerance": target.abs_tolerance}
        return {"answer": target.text, **tolerances}
    return {"task": task, **asdict(target)}
