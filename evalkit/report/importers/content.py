"""What a file of completions holds besides the completions: its tasks, its problems and the model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from evalkit.maths.extract import extract
from evalkit.report.importers import ImportedRow
from evalkit.types import DataError

Read = Callable[[Path], Iterator[ImportedRow]]
Key = tuple[str | None, str]
"""(task in the file, problem id or else question): equal for the samples of one problem."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A problem as the file describes it; `where` is its first row, `gold` only the answer."""

    where: str
    problem_id: str | None
    question: str | None
    gold: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """`problems` are in the order of the file. `says_finish_reason`: of every completion."""

    problems: dict[Key, FileProblem]
    model: str | None
    says_finish_reason: bool

    @property
    def tasks(self) -> list[str | None]:
        return list(dict.fromkeys(task for task, _ in self.problems))

    @property
    def task_names(self) -> str:
        return ", ".join(str(task) for task in self.tasks if task is not None)


def survey(file: Path, read: Read) -> Content:
    """Reads the whole file; raises DataError where it is empty or its rows contradict each other."""
    problems: dict[Key, FileProblem] = {}
    models = dict[str | None, None]()
    says_finish_reason = True
    for row in read(file):
        one = _file_problem(row)
        first = problems.setdefault(key_of(row, file), one)
        if first.gold != one.gold or squeezed(first.question or "") != squeezed(one.question or ""):
            raise DataError(
                f"{file}, {row.where}: problem {row.problem_id or row.question!r} has another "
                f"question or reference answer than in {first.where}"
            )
        models[row.model] = None
        says_finish_reason &= row.finish_reason is not None
    content = Content(problems, _only_model(list(models), file), says_finish_reason)
    _check(content, file)
    return content


def key_of(row: ImportedRow, file: Path) -> Key:
    if row.problem_id is not None:
        return (row.task, row.problem_id)
    if row.question is not None:
        return (row.task, squeezed(row.question))
    raise DataError(f"{file}, {row.where}: found neither a problem id nor a question")


def squeezed(text: str) -> str:
    """The text without white space, in which copies of one question differ."""
    return "".join(text.split())


def _check(content: Content, file: Path) -> None:
    if not content.problems:
        raise DataError(f"{file} is empty: no completion was found")
    if None in content.tasks and len(content.tasks) > 1:
        raise DataError(f"{file}: some rows name a task ({content.task_names}) and some do not")
    for task in content.tasks:
        members = [one for key, one in content.problems.items() if key[0] == task]
        if len({one.problem_id is None for one in members}) > 1:
            raise DataError(
                f"{file}: some rows of task {task or file.stem} have an id and some have none"
            )


def _only_model(models: list[str | None], file: Path) -> str | None:
    named = [model for model in models if model is not None]
    if len(named) > 1:
        raise DataError(
            f"{file} holds completions of several models ({', '.join(named)}): split it"
        )
    return named[0] if named else None


def _file_problem(row: ImportedRow) -> FileProblem:
    gold = None if row.gold is None else _answer_of(row.gold)
    return FileProblem(row.where, row.problem_id, row.question, gold)


def _answer_of(gold: str) -> str:
    r"""The answer at the end of a worked solution (GSM8K's `#### 18`, MATH's `\boxed{18}`), else all."""
    if "####" in gold:
        return gold.rpartition("####")[2].strip()
    found = extract(gold)
    return found.answer if found.answer and found.rule == "boxed" else gold.strip()
