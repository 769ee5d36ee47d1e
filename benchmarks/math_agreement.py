"""Accuracy on real responses: evalkit beside Math-Verify and the source's own score, and who disagrees.

usage: python benchmarks/math_agreement.py [--data DIR] [--list PATTERN] [--workers 2]

DIR holds real responses as *.jsonl with rows {problem_id, gold, response, model, setting,
source_score}. A pattern is three digits: the scores of the source, of Math-Verify and of evalkit;
--list 101 prints the answers that only Math-Verify finds wrong.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from evalkit.graders.pool import GraderPool
from evalkit.types import Answer, Grade, Problem, Sample

_DEFAULT = Path(__file__).parents[2] / "shared" / "data" / "model_outputs"
_PEER, _OWN = "math-verify", "math"


class Scored(NamedTuple):
    row: dict[str, Any]
    peer: Grade
    own: Grade

    @property
    def scores(self) -> tuple[float | None, ...]:
        return self.row["source_score"], self.peer.score, self.own.score

    @property
    def pattern(self) -> str:
        return "".join("-" if score is None else str(int(score)) for score in self.scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_DEFAULT)
    parser.add_argument("--list")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    files = sorted(options.data.glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    grades = (_grades(grader, rows, options.workers) for grader in (_PEER, _OWN))
    scored = [Scored(*one) for one in zip(rows, *grades, strict=True)]
    _print_accuracy(scored)
    counts = Counter(one.pattern for one in scored)
    print(
        "source, Math-Verify, evalkit:", ", ".join(f"{one} {counts[one]}" for one in sorted(counts))
    )
    rules = Counter((one.pattern, one.own.rule) for one in scored if len(set(one.scores)) > 1)
    for (pattern, rule), count in sorted(rules.items()):
        print(f"  {pattern}  {count:4}  {rule}")
    for one in scored:
        if one.pattern == options.list:
            print(repr(one.row["gold"]), "|", repr(one.own.extracted), "|", one.own.rule)


def _grades(grader: str, rows: Iterable[dict[str, Any]], num_workers: int) -> list[Grade]:
    with GraderPool(grader, num_workers=num_workers) as pool:
        futures = [pool.submit(*_item(row)) for row in rows]
        return [future.result() for future in futures]


def _item(row: dict[str, Any]) -> tuple[Problem, Sample]:
    sample = Sample(
        task="real",
        problem_id=str(row["problem_id"]),
        index=0,
        seed=None,
        text=row["response"],
        finish_reason=None,
        num_tokens=None,
    )
    return Problem(sample.problem_id, (), Answer(row["gold"])), sample


def _print_accuracy(scored: Iterable[Scored]) -> None:
    groups = defaultdict(list)
    for one in scored:
        groups[one.row["model"], one.row["setting"]].append(one)
    table = Table("Model", "Setting", "n", "Source", "Math-Verify", "evalkit")
    for (model, setting), members in groups.items():
        means = zip(*(one.scores for one in members), strict=True)
        shares = (
            f"{100 * sum(score or 0 for score in column) / len(members):.1f}" for column in means
        )
        table.add_row(model, setting, str(len(members)), *shares)
    Console().print(table)


if __name__ == "__main__":
    main()
