"""`evalkit sandbox attack`: the attack suite against the sandbox of this host."""

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalkit.attacks import Attack, Outcome
    from evalkit.sandbox.types import Mode


def attack(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Programs. Default: all.")
    ] = None,
    mode: Annotated[
        Literal["both", "official", "process"], typer.Option(help="How the programs are run.")
    ] = "both",
    jobs: Annotated[
        int, typer.Option(min=1, help="Containers at work side by side, each with a share.")
    ] = 1,
    runtime: Annotated[
        str | None,
        typer.Option(
            envvar="EVALKIT_SANDBOX_RUNTIME",
            help="OCI runtime, such as runsc. Default: Docker's.",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="A line for each program.")
    ] = False,
) -> None:
    """Run programs that cheat or do harm, and honest ones, and compare their verdicts with the right ones.

    After each program an honest one looks for what is left of it. Takes some minutes. Exits with 1
    when a verdict is not as expected.

    Example:

        evalkit sandbox attack --jobs 2
    """
    from evalkit.attacks import load_suite, select
    from evalkit.sandbox.types import Mode

    attacks = select(load_suite(), names or [])
    modes = list(Mode) if mode == "both" else [Mode(mode)]
    counts: Counter[tuple[str, bool]] = Counter()
    for outcome in _outcomes(attacks, modes, jobs, runtime):
        counts[outcome.kind, outcome.is_as_expected] += 1
        if verbose or not outcome.is_as_expected:
            typer.echo(_line(outcome))
    for kind in sorted({kind for kind, _ in counts}):
        total = counts[kind, True] + counts[kind, False]
        typer.echo(f"{kind}: {counts[kind, True]} of {total} as expected")
    if any(not is_as_expected for _, is_as_expected in counts):
        sys.exit(1)


def _outcomes(
    attacks: "list[Attack]", modes: "list[Mode]", jobs: int, runtime: str | None
) -> "Iterator[Outcome]":
    from concurrent.futures import ThreadPoolExecutor
    from queue import SimpleQueue

    from evalkit.attacks import judge_in, run_suite, shares
    from evalkit.sandbox.docker import DockerSandbox

    done: SimpleQueue[Outcome | None] = SimpleQueue()

    def work(share: "list[Attack]") -> None:
        try:
            with DockerSandbox(num_slots=1, runtime=runtime) as sandbox:
                for outcome in run_suite(share, judge_in(sandbox), modes=modes):
                    done.put(outcome)
        finally:
            done.put(None)

    with ThreadPoolExecutor(jobs) as threads:
        futures = [threads.submit(work, share) for share in shares(attacks, jobs)]
        for _ in futures:
            yield from iter(done.get, None)
        for future in futures:
            future.result()


def _line(outcome: "Outcome") -> str:
    name = f"{outcome.kind} after {outcome.name}" if outcome.kind == "canary" else outcome.name
    found = f"{name} ({outcome.mode}): {outcome.verdict}, {outcome.seconds:.1f} s"
    if outcome.is_as_expected:
        return f"ok   {found}"
    return f"BAD  {found}, expected {' or '.join(outcome.expected)}; {outcome.detail}"
