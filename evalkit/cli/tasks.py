"""`evalkit tasks`: what there is, what it says, and whether its answers grade as correct."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalkit.types import Answer, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalkit.task import Task
    from evalkit.validation import Validation

app = typer.Typer(help="List, show and validate benchmarks.", no_args_is_help=True)

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Directory with benchmark files.", show_default=False),
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="Default: all.")]


@app.command("list")
def list_() -> None:
    """All tasks, suites and protocols.

    Example:

        evalkit tasks list
    """
    from rich.console import Console
    from rich.table import Table

    from evalkit.task import (
        load_protocol,
        load_suite,
        load_task,
        protocol_names,
        suite_names,
        task_names,
    )

    tasks = Table("Task", "Problems", "n", "Description", title="Tasks", title_justify="left")
    for name in task_names():
        task = load_task(name)
        tasks.add_row(name, str(task.data.num_problems), str(task.n), task.description)
    others = Table("Name", "What it is", title="Suites and protocols", title_justify="left")
    for name in suite_names():
        others.add_row(name, f"suite: {', '.join(load_suite(name).tasks)}")
    for name in protocol_names():
        others.add_row(name, f"protocol: {load_protocol(name).source}")
    Console().print(tasks, others)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Task, suite or protocol.")],
    data_dir: DataDir = None,
) -> None:
    """What a task says: data, prompt, grader, defaults; also what a suite or protocol says.

    Of a code task also which problems of the data are left out, and why.

    Example:

        evalkit tasks show math500
    """
    import json
    from dataclasses import asdict

    import yaml

    from evalkit.task import (
        Task,
        load_protocol,
        load_suite,
        load_task,
        protocol_names,
        suite_names,
    )

    load = (
        load_protocol
        if name in protocol_names()
        else load_suite
        if name in suite_names()
        else load_task
    )
    found = load(name)
    values = json.loads(json.dumps(asdict(found), default=str))
    if isinstance(found, Task) and found.is_code:
        values["left_out"] = _left_out(found, data_dir)
    typer.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100).rstrip())


@app.command()
def validate(names: Names = None, data_dir: DataDir = None) -> None:
    """Check counts, hashes and ids, and that every reference answer grades as correct.

    Code tasks have no reference programs: of them the tests are decoded and counted.

    Example:

        evalkit tasks validate aime24 math500 --data-dir ./data
    """
    from contextlib import nullcontext

    from evalkit.graders.pool import GraderPool
    from evalkit.validation import validate_task

    is_bad = False
    for task in asked_for(names):
        with nullcontext() if task.is_code else GraderPool(task.grader) as pool:
            try:
                found = validate_task(task, pool, data_dir)
            except DataError as error:
                is_bad = True
                typer.echo(f"error: {error}", err=True)
                continue
        is_bad |= bool(found.failures)
        _show_validation(found)
    if is_bad:
        sys.exit(1)


def asked_for(names: list[str] | None) -> "list[Task]":
    """The tasks of a command that takes task and suite names; all of them where none is given."""
    from evalkit.task import parse_tasks, task_names

    return [one.task for one in parse_tasks(names or task_names())]


def _left_out(task: "Task", data_dir: Path | None) -> "Mapping[str, str] | str":
    """Only data that are on this machine are looked at."""
    try:
        is_local = data_dir is not None or task.data.is_local()
        return dict(task.left_out(data_dir)) if is_local else "the data are not on this machine"
    except DataError as error:
        return f"not known: {error}"


def _show_validation(found: "Validation") -> None:
    if found.num_tests is not None:
        typer.echo(
            f"{found.task.name}: {found.num_problems} problems, data as pinned, {found.num_tests} "
            f"tests decoded; a program to grade with them is not part of the data"
        )
        return
    num_correct = found.num_problems - len(found.failures)
    typer.echo(
        f"{found.task.name}: {found.num_problems} problems, rows as pinned, "
        f"{num_correct} answers grade as correct"
    )
    for problem, grade in found.failures:
        assert isinstance(problem.target, Answer)
        typer.echo(f"  {problem.id}: {problem.target.text!r} is {grade.verdict} ({grade.rule})")
