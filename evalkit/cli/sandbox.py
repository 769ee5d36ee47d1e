"""`evalkit sandbox`: the containers in which model-written programs run."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from evalkit.cli import attack

if TYPE_CHECKING:
    from rich.progress import Progress

    from evalkit.sandbox.checks import Finding

app = typer.Typer(help="Build and check the sandbox for programs.", no_args_is_help=True)

app.command()(attack.attack)

Runtime = Annotated[
    str | None,
    typer.Option(
        envvar="EVALKIT_SANDBOX_RUNTIME",
        help="OCI runtime, such as runsc (gVisor). Default: Docker's.",
        show_default=False,
    ),
]


Language = Annotated[str, typer.Argument(help="A directory of sandboxes/.")]


@app.command()
def build(
    language: Language = "python",
    source: Annotated[
        Literal["auto", "registry", "debian"],
        typer.Option("--from", help="The official Python image, or Debian packages (needs root)."),
    ] = "auto",
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Do nothing where the image exists.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Also build anew what changes seldom.")
    ] = False,
) -> None:
    """Build the image that programs run in: a minute or two, and seconds after the first time.

    Example:

        evalkit sandbox build
    """
    from evalkit.sandbox.client import connect
    from evalkit.sandbox.image import Source, build_image, find_image
    from evalkit.types import SandboxError

    client = connect(timeout_s=600)
    try:
        if if_missing:
            try:
                typer.echo(f"{find_image(client, language).name} exists")
                return
            except SandboxError:
                pass
        start = time.monotonic()
        with _steps() as report:
            image = build_image(
                client, language=language, source=Source(source), report=report, fresh=fresh
            )
    finally:
        client.close()
    seconds = time.monotonic() - start
    typer.echo(f"{image.name}: {image.python}, from {image.built_from}, {seconds:.0f} s")


@app.command()
def check(language: Language = "python", runtime: Runtime = None) -> None:
    """Prove on this host what the sandbox promises, and show what the host does not enforce.

    Exits with 1 when a required property does not hold.

    Example:

        evalkit sandbox check
    """
    from evalkit.sandbox.checks import check_sandbox
    from evalkit.sandbox.client import connect, host_of

    client = connect()
    try:
        host = host_of(client)
        findings = check_sandbox(client, runtime=runtime, language=language)
    finally:
        client.close()
    kind = "rootless, " if host.is_rootless else ""
    typer.echo(
        f"Docker {host.version} ({kind}cgroup v{host.cgroup_version}, "
        f"runtime {runtime or 'default'}), kernel {host.kernel}, {host.architecture}"
    )
    _show(findings)
    if any(not one.holds and one.property.is_required for one in findings):
        sys.exit(1)


@app.command()
def prune(
    everything: Annotated[
        bool, typer.Option("--all", help="Also containers whose evalkit still runs.")
    ] = False,
    images: Annotated[
        bool, typer.Option("--images", help="Also images of other versions of the runner.")
    ] = False,
) -> None:
    """Remove containers that an evalkit which is gone left behind.

    evalkit does the same whenever it starts to grade programs.

    Example:

        evalkit sandbox prune --images
    """
    from evalkit.sandbox.client import connect, docker_errors
    from evalkit.sandbox.image import remove_old_images
    from evalkit.sandbox.owner import prune_dead

    client = connect()
    try:
        with docker_errors():
            removed = prune_dead(client, including_live=everything)
        removed_images = remove_old_images(client) if images else []
    finally:
        client.close()
    typer.echo(f"removed {len(removed)} containers{': ' * bool(removed)}{' '.join(removed)}")
    if images:
        typer.echo(f"removed {len(removed_images)} images: {' '.join(removed_images)}")


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """A spinner with the step and the time on a terminal; a line for each step elsewhere."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda step: typer.echo(step, err=True)
        return
    columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        yield lambda step: _next(progress, step)
        _finish(progress)


def _next(progress: "Progress", step: str) -> None:
    _finish(progress)
    progress.add_task(step, total=1)


def _finish(progress: "Progress") -> None:
    for task in progress.tasks:
        progress.update(task.id, completed=1)


def _show(findings: "list[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("property", "", "seen", "why it matters", box=None, pad_edge=False)
    for one in findings:
        required = "[red]FAILS[/red]" if one.property.is_required else "[yellow]not here[/yellow]"
        mark = "[green]holds[/green]" if one.holds else required
        table.add_row(one.property.title, mark, one.seen, one.property.why)
    Console(highlight=False).print(table)
