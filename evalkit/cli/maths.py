"""`evalkit grade-one`: how one answer is graded, step by step."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from evalkit.types import Answer, UsageError, Verdict

_EXIT_CODES = {Verdict.CORRECT: 0, Verdict.GRADER_ERROR: 3}


def register(app: typer.Typer) -> None:
    app.command("grade-one")(grade_one)


def grade_one(
    gold: Annotated[str, typer.Option("--gold", help="The right answer.")],
    answer: Annotated[
        str | None, typer.Option("--answer", help="An answer to compare.", show_default=False)
    ] = None,
    response: Annotated[
        str | None,
        typer.Option(
            "--response",
            help="Instead: a text in which the answer is found; - reads standard input.",
            show_default=False,
        ),
    ] = None,
    rel_tolerance: Annotated[
        float, typer.Option("--rel-tolerance", min=0, help="For decimals, as a share of the gold.")
    ] = 0.0,
    abs_tolerance: Annotated[
        float, typer.Option("--abs-tolerance", min=0, help="For decimals, as a distance.")
    ] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Grade one answer and show why: extraction, types, every rung with its verdict and time.

    The rungs are those of the grader math, from cheap to dear. Exit code 0 for a correct answer, 1
    for a wrong or absent one, 3 for a grader error.

    Examples:

        evalkit grade-one --gold '\\frac{1}{2}' --answer 0.5

        evalkit grade-one --gold 42 --response 'It is \\boxed{42}.' --json
    """
    from evalkit.cli.explanation import explained, printed

    if (answer is None) == (response is None):
        raise UsageError("exactly one of --answer and --response is needed")
    text = sys.stdin.read() if response == "-" else response
    found = explained(Answer(gold, rel_tolerance, abs_tolerance), answer=answer, response=text)
    typer.echo(json.dumps(asdict(found), ensure_ascii=False) if as_json else printed(found))
    raise typer.Exit(_EXIT_CODES.get(found.verdict, 1))
