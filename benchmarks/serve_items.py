"""What the server is asked to grade, and what it has to answer: grades made in process beforehand."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evalkit.graders.opening import Pool, open_pool
from evalkit.graders.question import own_question
from evalkit.graders.wire import grade_fields, item_of, json_bytes
from evalkit.grading import sample_of
from evalkit.teststore import Store, cached_store
from evalkit.types import Answer, Grade, InlineTests, Problem, Sample, Verdict

DEFAULT_DATA = Path(__file__).parents[2] / "shared" / "data"
_FIELDS = ("verdict", "score", "extracted", "span", "rule", "detail")
_PROBLEMS = "livecodebench/lcb_release_v6_recovered_private.jsonl"
_MARK = "# program {:09d}"
_MAX_TEST_CHARS = 20_000
_MAX_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Item:
    """`expected` is what `judged` gives for its grade; empty before it was graded."""

    problem: Problem
    sample: Sample
    expected: Mapping[str, Any] = field(default_factory=dict)

    def wire(self, name: str) -> dict[str, Any]:
        return {"id": name, **item_of(self.problem, self.sample, self.grader)}

    @property
    def grader(self) -> str:
        return "math" if isinstance(self.problem.target, Answer) else "code"


def maths_items(data: Path) -> list[Item]:
    """Real responses to MATH-500 with their golds, in the order of the files."""
    rows = [row for file in sorted((data / "model_outputs").glob("*.jsonl")) for row in _rows(file)]
    return [Item(Problem("", (), Answer(row["gold"])), sample_of(row["response"])) for row in rows]


def asked_of_workers(items: Iterable[Item]) -> list[Item]:
    """Of each pair of gold and answer that only a worker process can compare, the first."""
    found: dict[Any, Item] = {}
    for item in items:
        assert isinstance(item.problem.target, Answer)
        question = own_question(item.problem.target, item.sample, look_into_unclosed=False)
        if question.outcome is None:
            found.setdefault(question.key, item)
    return list(found.values())


def program_items(data: Path, limit: int) -> list[Item]:
    """Published programs for LiveCodeBench, every n-th, with the tests that are at hand."""
    rows = [row for row in _rows(data / "code_solutions.jsonl") if row["problem_id"][:4] == "lcb/"]
    items = []
    with Store.open(cached_store(data / _PROBLEMS)) as store:
        for row in rows[:: max(1, len(rows) // limit)]:
            tests = _tests(store, row["problem_id"].removeprefix("lcb/"))
            if tests:
                text = f"```python\n{row['code']}\n{_MARK.format(0)}\n```"
                items.append(Item(Problem("", (), tests), sample_of(text)))
    return items


def fresh(item: Item, number: int) -> Item:
    """The same question, told apart from all others so that no memo knows it; the grade is the same.

    An answer gets a tolerance that is far too small to matter, a program another comment.
    """
    target, old, new = item.problem.target, _MARK.format(0), _MARK.format(number)
    if isinstance(target, Answer):
        return replace(
            item,
            problem=replace(item.problem, target=replace(target, abs_tolerance=number * 1e-60)),
        )
    extracted = str(item.expected.get("extracted", "")).replace(old, new)
    return Item(
        item.problem,
        replace(item.sample, text=item.sample.text.replace(old, new)),
        {**item.expected, "extracted": extracted},
    )


def graded(items: Iterable[Item]) -> list[Item]:
    """With what is expected of the server. Left out is what hangs on the speed of the machine."""
    items = list(items)
    is_code = items[0].grader == "code"
    with open_pool(items[0].grader) as pool:
        grades = grade_all(pool, items)
    return [
        replace(item, expected=fields_of(grade))
        for item, grade in zip(items, grades, strict=True)
        if not is_code or _is_steady(grade)
    ]


def grade_all(pool: Pool, items: Iterable[Item]) -> list[Grade]:
    futures = [pool.submit(item.problem, item.sample) for item in items]
    return [future.result() for future in futures]


def fields_of(grade: Grade) -> dict[str, Any]:
    """What `judged` gives when the grade has gone through JSON."""
    return judged(json.loads(json_bytes(grade_fields(grade))))


def judged(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Of a grade as JSON has it, what has to be the same in process and over HTTP."""
    return {name: fields[name] for name in _FIELDS}


def _is_steady(grade: Grade) -> bool:
    is_plain = grade.verdict in (Verdict.CORRECT, Verdict.WRONG)
    return is_plain and grade.seconds < _MAX_SECONDS


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _tests(store: Store, problem_id: str) -> InlineTests | None:
    problem = store.problem(problem_id)
    cases = list(store.cases(problem_id))
    if not cases or sum(len(case.input) + len(case.output) for case in cases) > _MAX_TEST_CHARS:
        return None
    return InlineTests(
        inputs=tuple(case.input for case in cases),
        outputs=tuple(case.output for case in cases),
        fn_name=json.loads(problem.fields["metadata"] or "{}").get("func_name"),
    )
