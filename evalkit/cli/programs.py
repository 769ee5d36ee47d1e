"""`evalkit grade-pairs`: programs in bulk, without a run directory."""

from pathlib import Path
from typing import Annotated

import typer

_MAX_TIME_LIMIT_S = 3600


def register(app: typer.Typer) -> None:
    app.command("grade-pairs")(grade_pairs)


def grade_pairs(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.jsonl", help="Rows {id, question_id, code | response}.")
    ],
    problems: Annotated[
        Path, typer.Option("--problems", help="Problems in LiveCodeBench's schema, JSONL.")
    ],
    out: Annotated[Path, typer.Option("--out", help="JSONL with a verdict per row.")],
    grader: Annotated[str, typer.Option("--grader", help="code or code-process.")] = "code",
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode",
            help="official (as LiveCodeBench's own harness) or process (a plain process for each "
            "test). Default: as the grader.",
            show_default=False,
        ),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", help="CPU seconds for one test.")
    ] = 6.0,
    extraction: Annotated[
        str, typer.Option("--extraction", help="How a program is found in a response.")
    ] = "last-block",
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Programs at the same time. Default: one per core."),
    ] = None,
) -> None:
    """Grade programs in bulk, in Docker sandboxes.

    Writes a line per row as it is judged: verdict, score, failing_test (from 0), status, CPU and wall
    seconds. The same command resumes; rows with a grader error are tried again. Exit code 3 where
    there are grader errors.

    Examples:

        evalkit grade-pairs --grader code --problems test6.jsonl programs.jsonl --out verdicts.jsonl

        evalkit grade-pairs --mode process --problems test6.jsonl programs.jsonl --out verdicts.jsonl
    """
    from rich.console import Console
    from rich.progress import Progress

    from evalkit.cli.display import resumable
    from evalkit.graders.code_pool import MODES, CodePool
    from evalkit.pairs import grade_pairs as work
    from evalkit.types import UsageError, Verdict, unknown

    if grader not in MODES:
        raise unknown("grader", grader, list(MODES))
    by_mode = {one.value: name for name, one in MODES.items()}
    if mode is not None and mode not in by_mode:
        raise unknown("mode", mode, list(by_mode))
    if not 0 < time_limit <= _MAX_TIME_LIMIT_S:
        raise UsageError(
            f"--time-limit {time_limit}, but it must be more than 0 and at most "
            f"{_MAX_TIME_LIMIT_S} seconds"
        )
    with (
        resumable(),
        CodePool(by_mode[mode] if mode else grader, num_workers=workers) as pool,
        Progress(console=Console(stderr=True), transient=True) as progress,
    ):
        bar = progress.add_task("judging", total=None)
        counts = work(
            file,
            problems,
            out,
            pool,
            time_limit_s=time_limit,
            extraction=extraction,
            done=lambda _: progress.advance(bar),
        )
    Console().print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    if counts[Verdict.GRADER_ERROR]:
        raise typer.Exit(3)
