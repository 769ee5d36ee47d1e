"""The table of claims as Markdown for people and as values for JSON."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from evalkit.train.claims import ClaimsTable
from evalkit.train.claims_paired import Conclusion, Finding

_MEANINGS = {
    Conclusion.HOLDS: "the whole interval is on the side that the claim names",
    Conclusion.FAILS: "the whole interval is on the other side: the opposite was measured",
    Conclusion.UNCLEAR: "the interval contains 0 (or the margin); that is no proof of equality, but "
    "so few seeds, or so small a difference, do not tell",
    Conclusion.UNTESTED: "fewer than two seeds, or the same difference for every seed, as where all "
    "values are 0: no interval can be computed",
}


_PLURAL = {
    Conclusion.HOLDS: "hold",
    Conclusion.FAILS: "do not hold",
    Conclusion.UNCLEAR: "are not distinguishable",
    Conclusion.UNTESTED: "are not testable",
}


def document(table: ClaimsTable) -> dict[str, Any]:
    """As JSON can hold it, with the values of each seed and what the conclusions mean."""
    content: dict[str, Any] = json.loads(json.dumps(asdict(table)))
    return {**content, "meanings": {str(one): text for one, text in _MEANINGS.items()}}


def markdown(table: ClaimsTable) -> str:
    """A table for each baseline, and below them what every word in them means."""
    lines = [
        f"# Claims for {table.method}, checked in {len(table.seeds)} "
        f"run{'s' if len(table.seeds) > 1 else ''} of each algorithm",
        "",
        f"{_summary(table)} Seeds {', '.join(map(str, table.seeds))}; {table.num_steps} steps; "
        f"{table.num_problems} problems.",
    ]
    for baseline in table.baselines:
        lines += ["", f"## {table.method} against {baseline}", "", *_rows(table, baseline)]
    return "\n".join([*lines, "", *_explanation(table)]) + "\n"


def _summary(table: ClaimsTable) -> str:
    counts = Counter(one.conclusion for one in table.findings)
    found = ", ".join(f"{counts[one]} {_PLURAL[one]}" for one in Conclusion)
    return f"Of {len(table.findings)} comparisons {found}."


def _rows(table: ClaimsTable, baseline: str) -> Iterator[str]:
    yield f"| Claim | {table.method} | {baseline} | Difference [95 %] | Conclusion |"
    yield "|---|--:|--:|--:|---|"
    for one in table.findings:
        if one.baseline == baseline:
            means = (_mean(one.method_values), _mean(one.baseline_values))
            cells = (one.claim, *means, _difference(one), f"**{one.conclusion}**")
            yield f"| {' | '.join(cells)} |"


def _mean(values: tuple[float, ...]) -> str:
    return f"{sum(values) / len(values):.3g}"


def _difference(one: Finding) -> str:
    if one.low is None or one.high is None:
        return f"{one.difference:+.2g}"
    return f"{one.difference:+.2g} [{one.low:+.2g}, {one.high:+.2g}]"


def _explanation(table: ClaimsTable) -> Iterator[str]:
    yield "What is measured, one number for each run:"
    yield ""
    for claim, (measure, better) in {
        one.claim: (one.measure, one.better) for one in table.findings
    }.items():
        yield f"- {claim}: {measure}; {better} speaks for the claim"
    yield ""
    yield (
        f"Values are means over seeds, differences {table.method} minus baseline, paired by seed, "
        "with Student's t-interval over the seeds. The conclusion compares that interval with 0, "
        f'and with -{table.margin:g} for "not lower by more than {table.margin:g}":'
    )
    yield ""
    for conclusion, meaning in _MEANINGS.items():
        yield f"- {conclusion}: {meaning}"
    yield ""
    yield (
        "Each interval is right 19 times in 20 by itself; of the "
        f"{len(table.findings)} here together, one or more may well be wrong. Steadiness is in the "
        "metric's own unit: a curve at a lower level is often steadier for that alone."
    )
