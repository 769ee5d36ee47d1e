"""The task directories to write: one evalkit task, or the tasks that the file itself describes."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.data import Row, canonical_bytes
from evalkit.report.importers.content import Content, FileProblem, Key
from evalkit.report.importers.matching import answer_of, match
from evalkit.task import load_task
from evalkit.types import Answer, DataError, Problem, UsageError


@dataclass(frozen=True, slots=True)
class TaskImport:
    """One task directory to write; `problems` is the whole task, `placed` what the file covers."""

    name: str
    title: str
    problems: list[Problem]
    placed: dict[Key, Problem]
    grader: str
    data: dict[str, Any]
    data_sha256: str

    @property
    def covered(self) -> list[Problem]:
        """The problems that the file has samples of, in the order of the task."""
        ids = {problem.id for problem in self.placed.values()}
        return [problem for problem in self.problems if problem.id in ids]


def evalkit_task(name: str, content: Content, file: Path, data_dir: Path | None) -> TaskImport:
    """The task with every problem of the file placed in it; its questions and answers count.

    Raises DataError where one fits none, and UsageError where the file names several tasks.
    """
    task = load_task(name)
    if task.is_code:
        raise UsageError(
            f"task {name} is graded by running programs, which cannot be imported; "
            f"`evalkit grade-pairs --grader code` grades programs of other tools"
        )
    if len(content.tasks) > 1:
        raise UsageError(
            f"{file} holds several tasks ({content.task_names}), but --task {name} names one; "
            f"import it without --task, or split it"
        )
    problems = replace(task, prompt="{problem}", system_prompt=None).problems(data_dir)
    return TaskImport(
        name=task.name,
        title=task.title,
        problems=problems,
        placed=match(content.problems, problems, task.name, file),
        grader=task.grader,
        data=task.data.describe(),
        data_sha256=str(task.data.sha256),
    )


def own_tasks(content: Content, file: Path) -> list[TaskImport]:
    """A task for every one that the file names, else one by the name of the file.

    Raises DataError for a problem without a question or reference answer.
    """
    tasks = [_own_task(label, content, file) for label in content.tasks]
    names = Counter(one.name for one in tasks)
    if double := [name for name, count in names.items() if count > 1]:
        raise DataError(f"{file}: several tasks would be written to the directory {double[0]}")
    return tasks


def _own_task(label: str | None, content: Content, file: Path) -> TaskImport:
    found = [(key, one) for key, one in content.problems.items() if key[0] == label]
    placed = {key: _own_problem(one, number, file) for number, (key, one) in enumerate(found)}
    problems = list(placed.values())
    rows = [Row(one.id, one.messages[0]["content"], answer_of(one)) for one in problems]
    title = label or file.stem
    return TaskImport(
        name=_directory(title, file),
        title=title,
        problems=problems,
        placed=placed,
        grader="math",
        data={"hub": None, "revision": None, "file": file.name},
        data_sha256=hashlib.sha256(canonical_bytes(rows)).hexdigest(),
    )


def _own_problem(found: FileProblem, number: int, file: Path) -> Problem:
    """The problem with the question and the answer of the file; without an id it is numbered."""
    for name, value in (("reference answer", found.gold), ("question", found.question)):
        if value is None:
            raise DataError(
                f"{file}, {found.where}: no {name} in the file; name the evalkit task with --task"
            )
    messages = ({"role": "user", "content": str(found.question)},)
    problem_id = found.problem_id if found.problem_id is not None else str(number)
    return Problem(problem_id, messages, Answer(str(found.gold)))


def _directory(title: str, file: Path) -> str:
    name = re.sub(r"[^\w.+-]+", "_", title).strip("._")
    if not name:
        raise DataError(f"{file}: the task name {title!r} gives no directory name")
    return name
