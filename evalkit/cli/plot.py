"""`evalkit plot`: the curves of training runs."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalkit.types import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalkit.curves.panels import Panel
    from evalkit.curves.seeds import Group

_SUFFIXES = (".png", ".svg", ".html")


def register(app: typer.Typer) -> None:
    app.command("plot")(plot)


def plot(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN…", help="Training directories.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="FILE.png, .svg or .html. Default: curves.png and curves.html, in RUN if it is "
            "one, else here.",
            show_default=False,
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            help="Names or patterns, with commas. Default: the dynamics of training.",
            show_default=False,
        ),
    ] = None,
    smooth: Annotated[
        float, typer.Option("--smooth", help="Weight of the past, from 0 to below 1.")
    ] = 0.0,
) -> None:
    """Draw the metrics of training runs over one another, also while they train.

    Runs that differ in nothing but their seed are one curve: the mean, with its 95 % t-interval as a
    band. Under each picture of the HTML page stand the last values, which are never smoothed.

    Examples:

        evalkit plot results/aspo

        evalkit plot results/grpo-* results/aspo-* --out curves.svg --smooth 0.9

        evalkit plot results/aspo --metrics 'actor/entropy,val/*' --out entropy.png
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("plot needs matplotlib: pip install 'evalkit[train]'")
    files = _files(runs, out)
    if not 0 <= smooth < 1:
        raise UsageError(f"--smooth {smooth:g} is not from 0 to below 1")
    from evalkit.curves.panels import choose_panels
    from evalkit.curves.read import read_run
    from evalkit.curves.seeds import group_runs

    read = [read_run(path) for path in dict.fromkeys(runs)]
    panels = choose_panels(read, [name for name in (metrics or "").split(",") if name])
    groups = group_runs(read)
    for file in files:
        _write(file, groups, panels, smooth)
        typer.echo(file)


def _files(runs: list[Path], out: Path | None) -> list[Path]:
    if out is None:
        folder = runs[0] if len(runs) == 1 else Path()
        return [folder / "curves.png", folder / "curves.html"]
    if out.suffix not in _SUFFIXES:
        raise UsageError(f"--out {out} does not end with {', '.join(_SUFFIXES)}")
    return [out]


def _write(file: Path, groups: "Sequence[Group]", panels: "list[Panel]", smoothing: float) -> None:
    from evalkit.curves.html import page
    from evalkit.curves.plot import draw_all, save

    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".html":
        file.write_text(page(groups, panels, smoothing=smoothing), encoding="utf-8")
    else:
        save(draw_all(groups, panels, smoothing=smoothing), file)
