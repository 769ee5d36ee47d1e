"""`evalkit data`: benchmark files for machines without a network, and their check."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from evalkit.cli.tasks import DataDir, Names, asked_for
from evalkit.types import DataError

app = typer.Typer(help="Fetch and verify benchmark data.", no_args_is_help=True)


@app.command()
def fetch(
    names: Names = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", help="Directory. Default: where every command looks.", show_default=False
        ),
    ] = None,
) -> None:
    """Download benchmarks from the hub into files that need no network afterwards.

    Example:

        evalkit data fetch aime24 math500 --to ./data
    """
    from evalkit.data import default_data_dir

    folder = to or default_data_dir()
    is_bad = False
    for task in asked_for(names):
        if task.data.bundled or (task.data.hub is None and not names):
            continue
        try:
            paths = task.fetch(folder)
        except DataError as error:
            is_bad = True
            typer.echo(f"error: {error}", err=True)
            continue
        for path in paths:
            typer.echo(f"{task.name}: {path}")
    if is_bad:
        sys.exit(1)


@app.command()
def verify(names: Names = None, data_dir: DataDir = None) -> None:
    """Check that the data on this machine is what the tasks pin: columns, ids, count, hash.

    Example:

        evalkit data verify --data-dir ./data
    """
    is_bad = False
    for task in asked_for(names):
        try:
            problems = task.problems(data_dir)
        except DataError as error:
            is_bad = True
            typer.echo(f"error: {error}", err=True)
            continue
        typer.echo(f"{task.name}: ok, {len(problems)} problems, {task.data.pin}")
    if is_bad:
        sys.exit(1)
