"""`evalkit check-vectors`: expected values of losses and rewards against the implementation."""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalkit.types import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from evalkit.train.vectors.checking import CheckedCase


def register(app: typer.Typer) -> None:
    app.command("check-vectors")(check)


def check(
    file: Annotated[Path, typer.Argument(help="JSON with expected values.", show_default=False)],
) -> None:
    """Compare losses, gradients, advantages and penalties with the expected values of a file.

    Errors are |found - expected| / (1 + |expected|). Exit code 1 if one is above its tolerance.

    Example:

        evalkit check-vectors policy_loss_vectors.json
    """
    if importlib.util.find_spec("torch") is None:
        raise UsageError("check-vectors needs torch: pip install 'evalkit[train]'")
    from rich.console import Console

    from evalkit.train.vectors.checking import check_vectors

    cases = check_vectors(file)
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(cases))
    for case in cases:
        for one in case.failures:
            text = f"FAIL {case.kind} {case.name}: {one.what}: {one.error:.2g} > {one.tolerance:g}"
            console.print(text, markup=False)
    if any(case.failures for case in cases):
        sys.exit(1)


def _table(cases: "list[CheckedCase]") -> "Table":
    from rich.table import Table

    table = Table("Kind", "Cases", "Failed", "Comparisons", "Tolerance", "Largest error")
    for kind in dict.fromkeys(case.kind for case in cases):
        chosen = [case for case in cases if case.kind == kind]
        num_failed = sum(bool(case.failures) for case in chosen)
        name, num_cases, failed = kind, f"{len(chosen)}", f"{num_failed}"
        comparisons = [one for case in chosen for one in case.comparisons]
        for tolerance in sorted({one.tolerance for one in comparisons}):
            errors = [one.error for one in comparisons if one.tolerance == tolerance]
            row = (f"{len(errors)}", f"{tolerance:g}", f"{max(errors):.2g}")
            table.add_row(name, num_cases, failed, *row)
            name = num_cases = failed = ""
    return table
