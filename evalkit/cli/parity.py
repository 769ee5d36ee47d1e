"""`evalkit parity`: the same completions by several ways, and every difference between them."""

from pathlib import Path
from typing import Annotated

import typer

from evalkit.spec import GRADERS
from evalkit.types import UsageError

DIFFERENT_EXIT_CODE = 4

Ways = Annotated[
    list[str],
    typer.Argument(metavar="A B [MORE]…", help="Ways to a score, as above, or all of them: all."),
]
Data = Annotated[
    Path,
    typer.Option(
        "--on", help="Run directory, or rows in JSONL or Parquet, or a directory of *.jsonl."
    ),
]
Url = Annotated[str, typer.Option("--url", help="Server for all.", show_default=False)]
Grader = Annotated[
    str | None,
    typer.Option(
        "--grader",
        help=f"Instead of the run's, or for rows that name none: {', '.join(GRADERS)}.",
        show_default=False,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="Only the first completions.", show_default=False),
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--fields", help="Where rows have what: reward=math,target=solution."),
]
Scores = Annotated[
    str, typer.Option("--map", help="Scores that rewards stand for: -1=0,1=1.", show_default=False)
]
Opened = Annotated[
    bool,
    typer.Option(
        "--thinking-opened", help="Prompts end inside the thinking, where rows have no prompt text."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="JSONL with a line per difference.", show_default=False),
]


def register(app: typer.Typer) -> None:
    app.command("parity")(parity)


def parity(
    ways: Ways,
    data: Data,
    url: Url = "",
    grader: Grader = None,
    limit: Limit = None,
    fields: Fields = None,
    scores: Scores = "",
    thinking_opened: Opened = False,
    out: Out = None,
) -> None:
    """Grade the same completions by several ways, and print every difference from the first.

    Ways: in-process, as evalkit run; http://HOST:PORT, as evalkit train --reward-url; a client, in
    process or on a server: verl, verl-async, trl, trl-async, openrlhf, slime or verifiers, alone or
    with @http://HOST:PORT; an endpoint, as its trainer asks: http://HOST:PORT/get_reward, /slime or
    /verify; logged, the rewards in the data. all: every one of them, those of the server with --url.

    Rows have a completion (response, solution_str, output), a target (answer, gold, label,
    ground_truth, gts), which may be an object as in a trainer's data, and may have a score or reward,
    problem_id (id), prompt (input), thinking_opened and finish_reason. Where a way gave no score, that
    is counted and never compared as 0. A server's token comes from EVALKIT_TOKEN.

    Exit code 4 where something differs, else 3 where a score is missing.

    Examples:

        evalkit parity in-process http://127.0.0.1:8000 --on results/step-300

        evalkit parity logged in-process --on rollouts/120.jsonl --map 10=1 --out differences.jsonl

        evalkit parity logged trl --on completions_00010.parquet --fields reward=math,target=solution

        evalkit parity all --url http://127.0.0.1:8000 --on answers.jsonl --limit 500
    """
    from evalkit.cli.display import GRADER_ERRORS_EXIT_CODE
    from evalkit.cli.pairs import read_pairs
    from evalkit.cli.parity_display import Bars, check_out, show, write
    from evalkit.parity import RowForm, check_servers, compare, parse_ways, read_items

    if out:
        check_out(out, data)
    form = RowForm(
        fields={key: str(name) for key, name in read_pairs("--fields", fields or []).items()},
        scores=_read_scores(scores),
        grader=grader,
        thinking_opened=thinking_opened,
    )
    items = read_items(data, form, limit=limit)
    chosen = parse_ways(ways, url=url, has_rewards=any(item.logged for item in items))
    check_servers(chosen)
    with Bars(len(items)) as bars:
        found = compare(chosen, items, bars.advance)
    show(found)
    if out:
        write(found, out)
    if any(one.num_different for one in found.summaries):
        raise typer.Exit(DIFFERENT_EXIT_CODE)
    if any(one.num_unscored for one in found.summaries):
        raise typer.Exit(GRADER_ERRORS_EXIT_CODE)


def _read_scores(text: str) -> dict[float, float]:
    """Of `-1=0,1=1`: by reward, the score that it stands for."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    try:
        return {float(reward): float(score) for reward, _, score in pairs}
    except ValueError as error:
        raise UsageError(f"--map {text!r} is not of the form reward=score, as -1=0,1=1") from error
