"""The command line. Each command imports what it needs when it is called."""

import logging
import os
import sys
from typing import Annotated

import typer

from evalkit import __version__
from evalkit.cli import (
    audit,
    bulk,
    comparison,
    data,
    doctor,
    grading,
    maths,
    parity,
    plot,
    running,
    sandbox,
    serve,
    tasks,
    training,
    vectors,
)
from evalkit.types import EvalkitError, UsageError

app = typer.Typer(
    name="evalkit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={
        "help_option_names": ["-h", "--help"],
        # --max_tokens, --model_args: other harnesses write options with underscores.
        "token_normalize_func": lambda name: name.replace("_", "-"),
    },
    help="Score reasoning-model checkpoints: is this one better, by how much, and can I trust it?",
)
running.register(app)
training.register(app)
serve.register(app)
parity.register(app)
comparison.register(app)
plot.register(app)
grading.register(app)
bulk.register(app)
maths.register(app)
audit.register(app)
app.add_typer(tasks.app, name="tasks")
app.add_typer(data.app, name="data")
app.add_typer(sandbox.app, name="sandbox")
vectors.register(app)
doctor.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"evalkit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and library logs.")
    ] = False,
) -> None:
    os.environ["EVALKIT_DEBUG"] = "1" if debug else ""
    logging.basicConfig(level=logging.INFO if debug else logging.ERROR)


def main() -> None:
    """Exit codes: 0 done, 1 an error, 2 wrong usage, 3 done with grader errors, 4 scores differ, 130 interrupted."""
    try:
        app()
    except (EvalkitError, OSError) as error:
        if os.environ.get("EVALKIT_DEBUG"):
            raise
        typer.secho(f"error: {error}", err=True, fg=typer.colors.RED)
        sys.exit(2 if isinstance(error, UsageError) else 1)
