"""`evalkit grade`, `evalkit report` and `evalkit import`: everything after generation."""

from pathlib import Path
from typing import Annotated

import typer

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.", show_default=False)]


def register(app: typer.Typer) -> None:
    app.command("grade")(grade)
    app.command("report")(report)
    app.command("import")(import_)


def grade(
    run: RunPath,
    only_errors: Annotated[bool, typer.Option("--only-errors", help="Only grader errors.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also what is graded already.")] = False,
    grader: Annotated[
        str | None,
        typer.Option(
            "--grader",
            help="math or exact, code or code-process. Default: as the run.",
            show_default=False,
        ),
    ] = None,
    unclosed_thinking: Annotated[
        str | None,
        typer.Option(help="no_answer or grade. Default: as the run.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--grader-workers", help="Processes that grade.", show_default=False),
    ] = None,
) -> None:
    """Grade the samples of a run; needs neither GPU nor model, and never generates.

    Without options: what has no grade yet, and grader errors.

    Examples:

        evalkit grade results/step-300

        evalkit grade results/step-300 --only-errors
    """
    from evalkit.cli.display import Display, finish, resumable
    from evalkit.runner import grade_run

    with resumable(), Display() as display:
        grade_run(
            run,
            grader=grader,
            unclosed_thinking=unclosed_thinking,
            only_errors=only_errors,
            again=again,
            num_workers=workers,
            progress=display,
        )
    finish(run)


def report(run: RunPath) -> None:
    """Show the scores of a run and bring its report files up to date.

    Works while the run is going on; then it only shows what there is so far.

    Example:

        evalkit report results/step-300
    """
    from rich.console import Console

    from evalkit.cli.display import finish
    from evalkit.records import RunWriter, read_manifest
    from evalkit.report.files import read_report, write_report
    from evalkit.report.table import terminal
    from evalkit.types import RunInUseError

    read_manifest(run)
    try:
        with RunWriter(run) as writer:
            write_report(writer)
    except RunInUseError:
        Console().print(terminal(read_report(run)))
        return
    finish(run)


def import_(
    format_: Annotated[
        str, typer.Argument(metavar="FORMAT", help="lm-eval, lighteval, evalchemy or jsonl.")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The other tool's per-sample file.")],
    out: Annotated[Path, typer.Option("--out", help="Run directory to make.")],
    task: Annotated[
        str | None,
        typer.Option(
            "--task", help="evalkit task whose answers count, as math500.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Name of the model.", show_default=False)
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Directory with benchmark files.", show_default=False),
    ] = None,
) -> None:
    """Turn another tool's outputs into a run directory, grade it and report.

    Examples:

        evalkit import lm-eval samples_aime24_2026-01-01.jsonl --task aime24 --out results/imported

        evalkit import jsonl answers.jsonl --out results/imported
    """
    from evalkit.cli.display import Display, finish, resumable
    from evalkit.importing import import_file
    from evalkit.runner import grade_run

    import_file(format_, file, out=out, task=task, model=model, data_dir=data_dir, grade=False)
    with resumable(), Display() as display:
        grade_run(out, progress=display)
    finish(out)
