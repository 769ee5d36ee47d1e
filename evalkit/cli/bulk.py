"""`evalkit grade-pairs`: answers or programs in bulk, without a run directory."""

from pathlib import Path
from typing import Annotated

import typer

from evalkit.spec import GRADERS

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE.jsonl",
        help="Rows {id, gold, response}; for code graders {id, question_id, code | response}.",
    ),
]
Out = Annotated[Path, typer.Option("--out", help="JSONL with a verdict per row.")]
Grader = Annotated[str, typer.Option("--grader", help=f"{', '.join(GRADERS)}.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        help="Rows at the same time. Default: one per core.",
        show_default=False,
    ),
]
Problems = Annotated[
    Path | None,
    typer.Option(
        "--problems",
        help="For code: problems in LiveCodeBench's schema, JSONL.",
        show_default=False,
    ),
]
Mode = Annotated[
    str | None,
    typer.Option(
        "--mode",
        help="For code: official (as LiveCodeBench's own harness) or process (a plain process for "
        "each test). Default: as the grader.",
        show_default=False,
    ),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit", help="For code: CPU seconds for one test. Default: 6.", show_default=False
    ),
]
Extraction = Annotated[
    str | None,
    typer.Option(
        "--extraction",
        help="For code: how a program is found in a response. Default: last-block.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    app.command("grade-pairs")(grade_pairs)


def grade_pairs(
    file: File,
    out: Out,
    grader: Grader = "code",
    workers: Workers = None,
    problems: Problems = None,
    mode: Mode = None,
    time_limit: TimeLimit = None,
    extraction: Extraction = None,
) -> None:
    """Grade answers or programs in bulk.

    Writes a line per row as it is graded. For answers: verdict, score, extracted, span, rule and
    seconds; a row may also have a problem, and rel_tolerance or abs_tolerance for a decimal gold. For
    programs, which run in Docker sandboxes: verdict, score, failing_test (from 0), status, CPU and
    wall seconds. The same command resumes; rows with a grader error are tried again. Exit code 3
    where there are grader errors.

    Examples:

        evalkit grade-pairs --grader math answers.jsonl --out verdicts.jsonl

        evalkit grade-pairs --grader code --problems test6.jsonl programs.jsonl --out verdicts.jsonl

        evalkit grade-pairs --mode process --problems test6.jsonl programs.jsonl --out verdicts.jsonl
    """
    from evalkit.cli.bulk_work import grade_file

    for_code = {
        "problems": problems,
        "mode": mode,
        "time_limit_s": time_limit,
        "extraction": extraction,
    }
    given = {name: value for name, value in for_code.items() if value is not None}
    grade_file(file, out, grader=grader, num_workers=workers, for_code=given)
