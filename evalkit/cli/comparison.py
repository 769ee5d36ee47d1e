"""`evalkit compare-algorithms`: several algorithms, several seeds, one report."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from evalkit.train.spec import make_train_spec
from evalkit.types import UsageError


def register(app: typer.Typer) -> None:
    app.command("compare-algorithms")(compare)


def compare(
    config: Annotated[
        Path, typer.Option("--config", help="YAML file as for evalkit train.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", help="Directory for all runs.", show_default=False)],
    algorithms: Annotated[
        str, typer.Option("--algorithms", help="Names with commas.")
    ] = "grpo,dapo,aspo-paper",
    method: Annotated[
        str, typer.Option("--method", help="The one whose claims are tested against the others.")
    ] = "aspo-paper",
    seeds: Annotated[int, typer.Option("--seeds", help="Runs of each algorithm.")] = 5,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Instead of the file's.", show_default=False)
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", help="Runs at the same time, which share the cores.")
    ] = 1,
) -> None:
    """Train algorithms from the same start on the same data, and say which claims of ASPO hold.

    Writes report.md with a leaderboard and the claims, each with intervals over the seeds, curves as
    PNG, SVG and HTML, and comparison.json. The same command goes on after a stop.

    Example:

        evalkit compare-algorithms --config tasks/demo/train.yaml --out results/compare --jobs 2
    """
    for package in ("torch", "matplotlib"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(f"compare-algorithms needs {package}: pip install 'evalkit[train]'")
    from evalkit.cli.display import resumable
    from evalkit.cli.training_display import StepLines
    from evalkit.train.comparison import Comparison, train_all
    from evalkit.train.comparison_report import write_report

    changes = {"out": out, "algorithm": method, **({"steps": steps} if steps else {})}
    comparison = Comparison(
        base=make_train_spec(changes, config),
        algorithms=tuple(name.strip() for name in algorithms.split(",")),
        method=method,
        num_seeds=seeds,
        jobs=jobs,
    )
    with resumable():
        report = write_report(comparison, train_all(comparison, StepLines))
    typer.echo(report)
