"""What a trainer's label says a completion is compared with, and the reward that a grade becomes."""

import json
import logging
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from evalkit.graders.wire import json_bytes
from evalkit.server import bodies
from evalkit.server.bodies import Finite
from evalkit.server.errors import RequestError, not_found
from evalkit.server.items import Item
from evalkit.server.service import Service
from evalkit.server.work import Work
from evalkit.types import Grade

Label = Annotated[
    str | int | Finite | dict[str, Any],
    Field(
        description=(
            "An answer, or an object (also as text) of task or grader, and either problem_id or the "
            "fields of a target: answer, or inputs and outputs."
        )
    ),
]
_NAMES = ("task", "grader", "problem_id", "tests_sha256")
_OBJECT = re.compile(r'\s*\{\s*"')
_logger = logging.getLogger(__name__)


def work_of(
    service: Service,
    label: Label | None,
    *,
    task: str | None,
    completion: str,
    thinking_opened: bool | None,
    where: str,
) -> Work:
    """The completion with what its label says. `task` is that of the path, `where` that of the label.

    Raises RequestError, also for a label that is empty, and one that names another task.
    """
    fields = _fields(label, where)
    if task is not None and fields.setdefault("task", task) != task:
        text = f"the path names task {task[:200]!r}, the label {str(fields['task'])[:200]!r}"
        raise RequestError(422, text, where)
    fields |= {"completion": completion, "thinking_opened": thinking_opened}
    return bodies.parse(_json(fields, where), Item, where).work(service, where)


def check_task(service: Service, task: str) -> None:
    """Raises RequestError for a task of the path that the server does not have."""
    if task not in service.catalogue.tasks:
        raise not_found("task", task, service.catalogue.tasks, "path")


def answer_of(text: str, where: str) -> str:
    """Raises RequestError for one without a character, which is rather a column that was forgotten."""
    if not text.strip():
        raise RequestError(422, "it is empty, so that there is nothing to compare with", where)
    return text


def reward_of(service: Service, endpoint: str, grade: Grade) -> float:
    """The score; where the grader failed the server's fallback, which is counted and logged."""
    if grade.score is not None:
        return grade.score
    service.metrics.count_fallback(endpoint)
    fallback = service.spec.fallback
    _logger.warning("%s: the grader failed (%s); %s stands in", endpoint, grade.detail, fallback)
    return fallback


def _fields(label: Label | None, where: str) -> dict[str, Any]:
    """Those of an Item. A store, which evalkit's own data for trainers name, is not looked at."""
    found = _object(label, where) if isinstance(label, str) else label
    if not isinstance(found, Mapping):
        return {"target": answer_of("" if label is None else str(label), where)}
    names = {name: found[name] for name in _NAMES if found.get(name) is not None}
    if "store" in found:
        return {**names, "tests_sha256": found.get("sha256")}
    target = {name: value for name, value in found.items() if name not in _NAMES}
    if target.keys() == {"answer"} and isinstance(target["answer"], str):
        answer = answer_of(target["answer"], f"{where}.answer")
        return {**names, "target": answer}  # for which its task may have a tolerance
    return {**names, "target": target} if target else names


def _object(label: str, where: str) -> Any:
    """The JSON object that the text is. None for other texts, which are answers: `{1,2}`, `204`."""
    if not _OBJECT.match(label):
        return None
    try:
        return json.loads(label)
    except (ValueError, RecursionError) as error:
        text = f"the label begins as a JSON object and is none: {str(error)[:200]}"
        raise RequestError(422, text, where) from error


def _json(fields: Mapping[str, Any], where: str) -> bytes:
    try:
        return json_bytes(fields)
    except ValueError as error:
        raise RequestError(422, f"not JSON: {error}", where) from error
