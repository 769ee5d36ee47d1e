"""Options of commands that are made from the fields of a dataclass."""

from inspect import Parameter
from typing import Annotated, Any

import typer


def make_option(
    name: str, kind: Any, text: str, panel: str, more_names: tuple[str, ...] = ()
) -> Parameter:
    """Nothing given is None, so that 0 and false of the command line win over a file."""
    long = f"--{name.replace('_', '-')}"
    if kind in (bool, bool | None) and name != "dry_run":
        long = f"{long}/--no-{long[2:]}"
    option = typer.Option(long, *more_names, help=text, rich_help_panel=panel, show_default=False)
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
    )
