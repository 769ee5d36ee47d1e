"""`evalkit audit`: the grades of a run that are worth reading."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evalkit.audit import TaskAudit
    from evalkit.audit.findings import Finding

_SHOWN_CHARS = 200


def register(app: typer.Typer) -> None:
    app.command("audit")(audit)


def audit(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.", show_default=False)],
    task: Annotated[
        str | None, typer.Option("--task", help="Only this task.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Findings for each task.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Answers at the same time.", show_default=False),
    ] = None,
) -> None:
    """List the grades of a run that are worth reading, those with most points first.

    Disagreement: the rungs of the comparison, or the graders math, math-verify, qwen-math and that of
    the run, judge an extracted answer differently. Not extracted: the text ends with the right
    answer and got no credit. Flagged: hedged or enumerated answers. Samples of a problem with the
    same answer are one finding; its points are the part of avg@k that hangs on it, with the sign of
    the change if the grade is wrong. Writes nothing.

    Examples:

        evalkit audit results/step-300

        evalkit audit results/step-300 --task minerva --limit 100 --json
    """
    from evalkit.audit import audit as work
    from evalkit.cli.display import Display, resumable

    with resumable(), Display() as display:
        audits = work(run, task=task, num_workers=workers, progress=display)
    if as_json:
        tasks = [{**asdict(one), "findings": _as_dicts(one, limit)} for one in audits]
        typer.echo(json.dumps(tasks, ensure_ascii=False, indent=1))
    else:
        for one in audits:
            typer.echo("\n".join(_lines(one, limit)))


def _as_dicts(audit: "TaskAudit", limit: int) -> list[dict[str, object]]:
    return [asdict(one) for one in audit.findings[:limit]]


def _lines(audit: "TaskAudit", limit: int) -> Iterator[str]:
    looked_at = f"{audit.num_samples} samples, {audit.num_answers} distinct answers"
    if not audit.findings:
        yield f"{audit.task}: nothing to read; {looked_at}"
        return
    yield f"{audit.task}: {len(audit.findings)} findings; {looked_at}"
    for one in audit.findings[:limit]:
        yield from _finding_lines(one)
    if (left := len(audit.findings) - limit) > 0:
        yield f"… and {left} more with fewer points; --limit shows them"


def _finding_lines(one: "Finding") -> Iterator[str]:
    points = -one.points if one.verdict == "correct" else one.points
    count = f"{len(one.samples)} samples" if len(one.samples) > 1 else f"sample {one.samples[0]}"
    yield f"{points:+7.2f}  {one.kind}: problem {one.problem_id}, {count}, {one.verdict} ({one.rule})"
    yield f"         gold {_short(one.gold)} · answer {_short(one.answer or 'none')}"
    yield f"         {_short(one.detail)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}…"
