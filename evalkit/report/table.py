"""The score table of a run, for the terminal and as Markdown."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Cells = list[dict[str, str]]

_LEGEND = (
    "Intervals: 95 %, over problems. avg@n: mean score. pass@k: at least one of k samples is correct "
    "(unbiased). maj@n: majority vote. Published: value and its distance in standard errors."
)


def terminal(document: Mapping[str, Any]) -> RenderableType:
    rows = _rows(document)
    table = Table(
        box=SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
        title=Text(_title(document)),
        title_justify="left",
        caption=_LEGEND,
        caption_justify="left",
    )
    for name in _columns(rows):
        table.add_column(name, justify="left" if name == "Task" else "right", overflow="fold")
    for row in rows:
        table.add_row(*(_terminal_cell(row.get(name, "–")) for name in _columns(rows)))
    return Group(table, *(Text(f"! {line}", style="yellow") for line in remarks(document)))


def _terminal_cell(text: str) -> Text:
    """An interval stands below its value and is not broken."""
    return Text(text.replace(" [", "\n[").replace(", ", ",\N{NO-BREAK SPACE}"))


def markdown(document: Mapping[str, Any]) -> str:
    rows = _rows(document)
    columns = _columns(rows)
    lines = [f"# {' '.join(_title(document).split())}", "", _line(columns)]
    lines += ["|---" * len(columns) + "|"]
    lines += [_line([row.get(name, "–") for name in columns]) for row in rows]
    lines += ["", _LEGEND, *(f"\n- {line}" for line in remarks(document)), ""]
    lines += _details(document)
    return "\n".join(lines) + "\n"


def remarks(document: Mapping[str, Any]) -> list[str]:
    """What a reader must know before believing the numbers."""
    lines = list(document["notes"])
    for name, task in document["tasks"].items():
        if task["is_partial"]:
            lines.append(
                f"{name}: partial, the first {task['num_problems']} of {task['num_problems_total']} problems"
            )
        if not task["is_complete"]:
            graded = task["num_samples"] - task["num_ungraded"]
            lines.append(
                f"{name}: not complete, {task['num_samples']} of {task['num_expected']} samples, "
                f"{graded} of them graded"
            )
        if errors := task["num_grader_errors"]:
            lines.append(
                f"{name}: {errors} grader error{'s' if errors > 1 else ''}: the range from all wrong to all "
                f"correct stands in place of a number; `evalkit grade RUN --only-errors` tries them again"
            )
        if (task["shares"]["truncated"] or 0) > 0.05:
            lines.append(
                f"{name}: {task['shares']['truncated']:.1%} of the samples were cut off at the token limit"
            )
        if without := task["without_errata"]:
            lines.append(f"{name} {_without_errata(without)}")
    return lines


def _without_errata(without: Mapping[str, Any]) -> str:
    names = without["problem_ids"]
    scores = [f"{one['name']} {_score(one)}" for one in without["metrics"]]
    return (
        f"without {len(names)} problem{'s' if len(names) > 1 else ''} with known errata "
        f"({', '.join(names)}): {', '.join(scores) or 'no problem is left'}"
    )


def _title(document: Mapping[str, Any]) -> str:
    return f"{document['model']} · protocol: {document['protocol']}"


def _rows(document: Mapping[str, Any]) -> Cells:
    return [_row(name, task) for name, task in document["tasks"].items()]


def _columns(rows: Cells) -> list[str]:
    """All columns that a row fills, in the order of the first row that has most of them."""
    order = dict.fromkeys(name for row in sorted(rows, key=len, reverse=True) for name in row)
    last = [name for name in ("Truncated", "No answer", "Published") if name in order]
    return [name for name in order if name not in last] + last


def _row(name: str, task: Mapping[str, Any]) -> dict[str, str]:
    row = {"Task": name, "Problems": _count(task), "n": str(task["n"])}
    for metric in task["metrics"]:
        k = "n" if metric["k"] == task["n"] else str(metric["k"])
        row[f"{metric['kind']}@{k}"] = _score(metric)
    row["Truncated"] = _percent(task["shares"]["truncated"])
    row["No answer"] = _percent(task["shares"]["no_answer"])
    if published := task["published"]:
        distance = published["distance"]
        row["Published"] = f"{published['value']:.1%}" + (
            f" ({distance:+.1f} SE)" if distance is not None else ""
        )
    return row


def _line(cells: list[str]) -> str:
    """A row of a Markdown table; what would end a cell or the row is escaped."""
    return f"| {' | '.join(' '.join(cell.split()).replace('|', '&#124;') for cell in cells)} |"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _count(task: Mapping[str, Any]) -> str:
    total = task["num_problems_total"]
    return f"{task['num_problems']} of {total}" if task["is_partial"] else str(total)


def _score(metric: Mapping[str, Any]) -> str:
    low, high = 100 * metric["low"], 100 * metric["high"]
    if metric["value"] is None:
        return f"{low:.1f} to {high:.1f}"
    return f"{100 * metric['value']:.1f} [{low:.1f}, {high:.1f}]"


def _details(document: Mapping[str, Any]) -> list[str]:
    lines = [
        "",
        "## Lengths and time",
        "",
        "| Task | tokens mean | p50 | p95 | max | score if finished |",
        "|---|---|---|---|---|---|",
    ]
    for name, task in document["tasks"].items():
        tokens, finished = task["tokens"], task["score_given_finished"]
        lengths = (
            [f"{tokens[key]:.0f}" for key in ("mean", "p50", "p95", "max")] if tokens else ["–"] * 4
        )
        lines.append(_line([name, *lengths, _percent(finished)]))
    for one in document["invocations"]:
        stages = ", ".join(f"{stage} {value:.1f} s" for stage, value in one["seconds"].items())
        lines += ["", f"{one['ended']}: {stages}" + _speed(one)]
    return lines


def _speed(invocation: Mapping[str, Any]) -> str:
    seconds, tokens = invocation["seconds"].get("generation"), invocation.get("num_tokens")
    return f", {tokens / seconds:,.0f} tokens/s" if seconds and tokens else ""
