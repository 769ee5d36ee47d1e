"""The graded samples of a task, put together where problem, answer and verdict are the same."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.audit.mentions import find_mention
from evalkit.maths.extract import extract, read_gold
from evalkit.types import Answer, Verdict

_COLUMNS = ["problem_id", "index", "text", "thinking_opened", "verdict", "extracted", "rule"]
_BATCH_ROWS = 256  # long texts: some 100 KiB each


@dataclass(slots=True)
class Group:
    """`weight` is what one sample of the problem adds to avg@k, in points of 100.

    `flagged` and `mentions` hold the samples, by index, whose extraction is suspicious and those
    that end with the gold although they are not correct: with the flag, and with the place.
    """

    problem_id: str
    gold: Answer
    answer: str | None
    verdict: Verdict
    rule: str
    weight: float
    indices: list[int] = field(default_factory=list)
    flagged: dict[int, str] = field(default_factory=dict)
    mentions: dict[int, str] = field(default_factory=dict)


def read_groups(
    records: Path, golds: Mapping[str, Answer], *, unclosed_thinking: str
) -> list[Group]:
    """Samples without a verdict, and grader errors, are left out."""
    weights = _weights(records)
    groups = dict[tuple[str, str | None, str], Group]()
    for row in _graded_rows(records, _COLUMNS):
        key = (row["problem_id"], row["extracted"], row["verdict"])
        if key not in groups:
            groups[key] = Group(
                problem_id=row["problem_id"],
                gold=golds[row["problem_id"]],
                answer=row["extracted"],
                verdict=Verdict(row["verdict"]),
                rule=row["rule"],
                weight=weights[row["problem_id"]],
            )
        _add(groups[key], row, look_into_unclosed_thinking=unclosed_thinking == "grade")
    return list(groups.values())


def _add(group: Group, row: Mapping[str, Any], *, look_into_unclosed_thinking: bool) -> None:
    group.indices.append(row["index"])
    found = extract(
        row["text"],
        thinking_opened=row["thinking_opened"],
        look_into_unclosed_thinking=look_into_unclosed_thinking,
    )
    if found.flag:
        group.flagged[row["index"]] = found.flag
    elif group.verdict is Verdict.CORRECT:
        return
    elif place := find_mention(read_gold(group.gold.text), row["text"]):
        group.mentions[row["index"]] = place


def _weights(records: Path) -> dict[str, float]:
    counts = Counter(row["problem_id"] for row in _graded_rows(records, ["problem_id", "verdict"]))
    return {problem_id: 100 / len(counts) / count for problem_id, count in counts.items()}


def _graded_rows(records: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(records).iter_batches(_BATCH_ROWS, columns=columns):
        for row in batch.to_pylist():
            if row["verdict"] not in (None, Verdict.GRADER_ERROR):
                yield row
