"""Verdicts of the mathematics grader: the case table, odd texts, and the golds of the benchmarks."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.graders.pool import GraderPool
from evalkit.types import Answer, Grade, Problem, Sample, Verdict

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "math.jsonl").read_text("utf-8").splitlines()
]

# Harmless texts that no LaTeX reader takes, or that have no value.
UNREADABLE = [
    *[
        "{",
        "}",
        "^",
        "_",
        "\\",
        "\\\\",
        "%",
        "$",
        "$$",
        "&",
        "#",
        "(",
        "[",
        "|",
        "\\frac",
        "\\frac{",
    ],
    *[
        "\\frac{}{}",
        "\\sqrt[",
        "\\text{",
        "\\left(",
        "\\begin{pmatrix}",
        "\\end{cases}",
        "x^",
        "x_",
    ],
    *[
        "\\boxed",
        "\\boxed{7",
        "1/0",
        "\\frac{1}{0}",
        "0^0",
        "\\infty - \\infty",
        "\\log 0",
        "12:00",
    ],
    *["=", "x=", "<", "<>", "7 <", ",", ",,", ";", ".", "..", "\x00", "\ud800", "\U0001f600"],
    *["∞", "７x", "x²", "\\unknown{7}", "\\{", "\\\\frac{1}{2}", "1,2,", "(1,2", "1,2)", "[1,2)]"],
    *["None", "nan", "inf", "True", "lambda: 7", "7 if x else 8", "[7 for x in y]"],
    "\\frac" * 40,
    "{" * 10 + "8" + "}" * 10,
    "\\sqrt{" * 12 + "x" + "}" * 12,
]

PAYLOADS = [
    "__import__('os').system('touch {path}')",
    "exec(\"open('{path}', 'w')\")",
    r"\operatorname{{exec}}(\text{{open('{path}', 'w')}})",
    "().__class__.__base__.__subclasses__()[0](open('{path}', 'w'))",
    "x=open('{path}', 'w')",
    r"\text{{open('{path}', 'w')}}",
    "Symbol('x', cls=open('{path}', 'w'))",
]

PIECES = (Path(__file__).parent / "cases" / "maths_pieces.txt").read_text("utf-8").split()


@pytest.fixture(scope="module")
def pool() -> Iterator[GraderPool]:
    with GraderPool(num_workers=2, deadline_s=30.0) as pool:
        yield pool


def grade(pool: GraderPool, target: str, text: str, *, thinking_opened: bool = False) -> Grade:
    sample = Sample(
        task="t",
        problem_id="0",
        index=0,
        seed=None,
        text=text,
        finish_reason="stop",
        num_tokens=None,
        thinking_opened=thinking_opened,
    )
    return pool.grade(Problem("0", (), Answer(target)), sample)


def case_params() -> Iterator[Any]:
    for case in CASES:
        marks = pytest.mark.xfail(strict=True) if case.get("known_gap") else ()
        name = f"{case['target']} | {case['completion']}".replace("\n", " ")
        yield pytest.param(case, id=name, marks=marks)


@pytest.mark.parametrize("case", list(case_params()))
def test_case(pool: GraderPool, case: dict[str, Any]) -> None:
    """Each row of tests/cases/math.jsonl gets its verdict."""
    thinking_opened = case.get("thinking_opened", False)

    found = grade(pool, case["target"], case["completion"], thinking_opened=thinking_opened)

    assert case["verdict"] == found.verdict, case["why"]


@pytest.mark.parametrize("answer", UNREADABLE)
def test_unreadable_answers_are_wrong(pool: GraderPool, answer: str) -> None:
    """An answer that cannot be read is a wrong answer, not a failure of the grader."""
    sample_grade = grade(pool, "7", f"The answer is {answer}")

    assert sample_grade.verdict in (Verdict.WRONG, Verdict.NO_ANSWER)


@pytest.mark.parametrize("target", [r"12:00", r"\frac{1}{0}", "East", r"\text{Evelyn}", "t(0,4]"])
def test_targets_that_are_no_values_compare_as_text(pool: GraderPool, target: str) -> None:
    """A target that has no value still tells right from wrong."""
    assert grade(pool, target, rf"\boxed{{{target}}}").verdict is Verdict.CORRECT
    assert grade(pool, target, r"\boxed{\frac{7}{13}x}").verdict is Verdict.WRONG


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tokens=st.lists(st.sampled_from(PIECES), max_size=8))
def test_latex_soup_is_never_correct_by_accident_nor_an_error(
    pool: GraderPool, tokens: list[str]
) -> None:
    """Whatever a model writes gets a verdict, and 78 is not found in text that has no 7 and no 8."""
    found = grade(pool, "78", rf"\boxed{{{' '.join(tokens)}}}")

    assert found.verdict in (Verdict.WRONG, Verdict.NO_ANSWER)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_answers_are_not_executed(pool: GraderPool, tmp_path: Path, payload: str) -> None:
    """Python code in an answer is text."""
    path = tmp_path / "made"

    found = grade(pool, "x+1", rf"The answer is {payload.format(path=path)}")

    assert found.verdict is Verdict.WRONG
    assert not path.exists()


def test_grade_names_extraction_and_comparison(pool: GraderPool) -> None:
    """The rule says how the answer was found and what decided."""
    found = grade(pool, "2x", r"\boxed{x+x}")

    assert (found.extracted, found.rule, found.score) == ("x+x", "boxed, value", 1.0)


def golds(folder: Path) -> Iterator[tuple[str, str]]:
    for name in ("aime24", "aime25", "amc23", "math500", "minervamath", "olympiadbench"):
        lines = (folder / "math" / f"{name}.jsonl").read_text("utf-8").splitlines()
        for row in map(json.loads, lines):
            answer = row.get("answer", row.get("final_answer"))
            yield name, answer[0] if isinstance(answer, list) else str(answer)


@pytest.mark.data
def test_every_gold_grades_correct(pool: GraderPool, shared_data: Path) -> None:
    """All 1,546 golds of the six benchmarks are correct answers to their own problems."""
    rows = list(golds(shared_data))
    failed = [row for row in rows if grade(pool, row[1], rf"\boxed{{{row[1]}}}").score != 1.0]

    assert (len(rows), failed) == (1546, [])


@pytest.mark.data
def test_real_responses_cause_no_grader_errors(pool: GraderPool, shared_data: Path) -> None:
    """4,000 real responses get a verdict each, and at least 98 of 100 agree with their source."""
    futures = []
    for path in sorted((shared_data / "model_outputs").glob("*.jsonl")):
        for row in map(json.loads, path.read_text("utf-8").splitlines()):
            sample = Sample(
                task="math500",
                problem_id=row["problem_id"],
                index=0,
                seed=None,
                text=row["response"],
                finish_reason=None,
                num_tokens=None,
            )
            problem = Problem(row["problem_id"], (), Answer(row["gold"]))
            futures.append((row["source_score"], pool.submit(problem, sample)))
    grades = [(score, future.result()) for score, future in futures]

    assert len(grades) == 4000
    assert [one for _, one in grades if one.verdict is Verdict.GRADER_ERROR] == []
    assert sum(score == one.score for score, one in grades) >= 0.98 * 4000
