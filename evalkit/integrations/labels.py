"""What a trainer's data say that a completion is compared with: an answer, or a JSON object.

The keys of an object, as for the endpoints of `evalkit serve`: `grader` and `task`, and `answer`,
`rel_tolerance` and `abs_tolerance`; or `inputs`, `outputs` and the other fields of InlineTests; or
`problem_id` of `task`; or the fields of CodeTests.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalkit.configs import build
from evalkit.spec import CODE_GRADERS, MATH_GRADERS
from evalkit.task import load_task
from evalkit.types import Answer, CodeTests, DataError, InlineTests, Target

_NUM_TASKS = 64


@dataclass(frozen=True, slots=True)
class Label:
    """`task` is empty where none is named."""

    target: Target
    grader: str
    task: str = ""


def write_target(target: Target, *, task: str = "") -> str:
    """For a column of a trainer's data: the answer; tests, where they are, or tolerances, as JSON.

    A reward server that has loaded the `task` of stored tests is not sent the tests.
    """
    if isinstance(target, Answer):
        if target == Answer(target.text):
            return target.text
        fields = dataclasses.asdict(target)
        return json.dumps({"answer": fields.pop("text"), **fields})
    return json.dumps({**({"task": task} if task else {}), **dataclasses.asdict(target)})


def read_label(
    label: Any,
    *,
    grader: str | None = None,
    rel_tolerance: float = 0.0,
    abs_tolerance: float = 0.0,
) -> Label:
    """`grader` and the tolerances are for labels that name none; None: the first that fits.

    Raises DataError for a label that is empty, and where a grader of programs gets no JSON object;
    UsageError where an object does not have the keys above, or for an unknown task.
    """
    fields = _object(label)
    if fields is None:
        if grader in CODE_GRADERS:
            raise DataError(f"grader {grader!r} needs tests as a JSON object, not {label!r}")
        fields = {"answer": _text(label)}
    task, named = (str(fields.pop(name, "")) for name in ("task", "grader"))
    if task and "store" not in fields:  # whoever names a store may call its task anything
        named = named or _task(task).grader
    target = _target(fields, task, rel_tolerance, abs_tolerance)
    fitting = MATH_GRADERS if isinstance(target, Answer) else CODE_GRADERS
    return Label(target, named or grader or next(iter(fitting)), task)


def _object(label: Any) -> dict[str, Any] | None:
    """The object that the label is, or its text, without what is null; `{}` is an answer."""
    found = label
    if isinstance(label, str) and label.lstrip().startswith("{"):
        try:
            found = json.loads(label)
        except (ValueError, RecursionError):
            return None
    if not isinstance(found, Mapping) or not found:
        return None
    return {str(name): value for name, value in found.items() if value is not None}


def _text(label: Any) -> str:
    if label is None or not str(label).strip():
        raise DataError("the label is empty, so that there is nothing to compare with")
    return str(label)


def _target(
    fields: dict[str, Any], task: str, rel_tolerance: float, abs_tolerance: float
) -> Target:
    if "store" in fields:
        return build(CodeTests, fields, "label")
    if "inputs" in fields or "outputs" in fields:
        return build(InlineTests, fields, "label")
    if "problem_id" in fields:
        return _known_target(task, build(_ProblemLabel, fields, "label"))
    rel_tolerance = _task(task).tolerance.relative if task else rel_tolerance
    given = {"rel_tolerance": rel_tolerance, "abs_tolerance": abs_tolerance, **fields}
    found = build(_AnswerLabel, given, "label")
    return Answer(_text(found.answer), found.rel_tolerance, found.abs_tolerance)


@dataclass(frozen=True, slots=True)
class _AnswerLabel:
    answer: str
    rel_tolerance: float
    abs_tolerance: float


@dataclass(frozen=True, slots=True)
class _ProblemLabel:
    problem_id: str
    tests_sha256: str | None = None


def _known_target(task: str, label: _ProblemLabel) -> Target:
    if not task:
        raise DataError(f"the label names problem {label.problem_id!r}, but not its task")
    where = f"task {task}, problem {label.problem_id!r}"
    target = _targets(task).get(label.problem_id)
    if target is None:
        raise DataError(f"{where}: there is no such problem")
    if label.tests_sha256 and isinstance(target, CodeTests) and target.sha256 != label.tests_sha256:
        raise DataError(
            f"{where}: the label names tests of sha256 {label.tests_sha256}, but here they have "
            f"{target.sha256}"
        )
    return target


_task = lru_cache(_NUM_TASKS)(load_task)


@lru_cache(_NUM_TASKS)
def _targets(task: str) -> Mapping[str, Target]:
    return {problem.id: problem.target for problem in _task(task).problems()}
