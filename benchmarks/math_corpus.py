"""Agreement of a grader with a labelled corpus of answers: the share, false positives, false negatives.

usage: python benchmarks/math_corpus.py [FILE] [--grader math] [--list] [--as-is] [--workers 2]

FILE holds rows {gold, response, label, kind, dubious, syntax}; `kind` is "answer" (a bare or boxed
answer) or "full_response". Rows that are dubious or not LaTeX are left out, and golds that are one
letter are counted apart. Bare answers are put into a box, or with --as-is graded as they stand.
"""

import argparse
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.graders.pool import GraderPool
from evalkit.types import Answer, Grade, Problem, Sample, Verdict

_DEFAULT = Path(__file__).parents[2] / "shared" / "data" / "grader_corpus.jsonl"
_LETTER = re.compile(r"[A-Za-z]")
_ANSWER_MARK = re.compile(r"\\f?boxed\s*\{|answer|####", re.IGNORECASE)


@dataclass(frozen=True)
class Scored:
    row: dict[str, Any]
    grade: Grade

    @property
    def part(self) -> str:
        return "one letter" if _LETTER.fullmatch(self.row["gold"]) else "all others"

    @property
    def is_accepted(self) -> bool:
        return self.grade.verdict is Verdict.CORRECT

    @property
    def agrees(self) -> bool:
        return self.is_accepted == self.row["label"] and self.grade.score is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=_DEFAULT)
    parser.add_argument("--grader", default="math")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--as-is", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.file.read_text("utf-8").splitlines()]
    rows = [row for row in rows if not row["dubious"] and not row.get("syntax")]
    with GraderPool(options.grader, num_workers=options.workers) as pool:
        futures = [pool.submit(*_item(row, is_wrapped=not options.as_is)) for row in rows]
        grades = [future.result() for future in futures]
        print(f"grader {pool.grader}, profile {pool.profile}")
    scored = [Scored(row, grade) for row, grade in zip(rows, grades, strict=True)]
    if options.list:
        _list(one for one in scored if not one.agrees)
    for part in ("all others", "one letter"):
        for kind in ("answer", "full_response"):
            chosen = [one for one in scored if (one.part, one.row["kind"]) == (part, kind)]
            if chosen:
                _summarise(f"gold: {part}", kind, chosen)


def _item(row: dict[str, Any], *, is_wrapped: bool) -> tuple[Problem, Sample]:
    text = row["response"]
    if is_wrapped and row["kind"] == "answer" and not _ANSWER_MARK.search(text):
        text = rf"\boxed{{{text}}}"
    sample = Sample(
        task="corpus",
        problem_id=row["id"],
        index=0,
        seed=None,
        text=text,
        finish_reason=None,
        num_tokens=None,
    )
    return Problem(row["id"], (), Answer(row["gold"])), sample


def _list(disagreements: Iterable[Scored]) -> None:
    kinds = {True: "FALSE POSITIVE", False: "FALSE NEGATIVE"}
    for one in disagreements:
        row, grade = one.row, one.grade
        kind = "GRADER ERROR" if grade.score is None else kinds[one.is_accepted]
        print(f"{kind}  {row['kind']}  {row['id']}  {row.get('source', '')}")
        print(f"    gold      {row['gold']!r}")
        shown = row["response"] if len(row["response"]) < 300 else "..." + row["response"][-300:]
        print(f"    response  {shown!r}")
        print(f"    extracted {grade.extracted!r}")
        print(f"    rule      {grade.rule}  {grade.detail}")


def _summarise(title: str, kind: str, chosen: list[Scored]) -> None:
    wrong = [one for one in chosen if not one.agrees]
    num_errors = sum(one.grade.score is None for one in chosen)
    num_positive = sum(one.is_accepted for one in wrong)
    print(
        f"{title:18} {kind:14} n {len(chosen):5}  agreement {1 - len(wrong) / len(chosen):7.2%}"
        f"  false positives {num_positive}, false negatives "
        f"{len(wrong) - num_positive - num_errors}, grader errors {num_errors}"
    )


if __name__ == "__main__":
    main()
