"""`evalkit grade-pairs` for answers: a grade per row, resumed as often as need be; bad rows are named."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.graders.pool import GraderPool
from evalkit.pairs import grade_answers
from evalkit.types import DataError, UsageError, Verdict


@pytest.fixture(scope="module")
def pool() -> Iterator[GraderPool]:
    with GraderPool("math", num_workers=1) as made:
        yield made


def row(key: object, response: str, gold: str = "3", **more: object) -> dict[str, object]:
    return {"id": key, "gold": gold, "response": response, **more}


def write(path: Path, *rows: object) -> Path:
    lines = (one if isinstance(one, str) else json.dumps(one) for one in rows)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


RIGHT, WRONG, NONE = r"So \boxed{3}.", r"So \boxed{4}.", "<think>I give up"


@pytest.fixture
def grade(tmp_path: Path, pool: GraderPool) -> Callable[..., dict[Verdict, int]]:
    """Grades rows from `answers.jsonl` into `out.jsonl`."""

    def call(*rows: object) -> dict[Verdict, int]:
        file = write(tmp_path / "answers.jsonl", *rows)
        return dict(grade_answers(file, tmp_path / "out.jsonl", pool))

    return call


Grade = Callable[..., dict[Verdict, int]]


def test_each_row_gets_a_grade(grade: Grade, tmp_path: Path, pool: GraderPool) -> None:
    """Verdict, score, what was extracted, the rule, and the grader in its profile."""
    counts = grade(row("right", RIGHT), row(2, WRONG), row("none", NONE))

    rows = {one["id"]: one for one in read(tmp_path / "out.jsonl")}
    assert counts == {Verdict.CORRECT: 1, Verdict.WRONG: 1, Verdict.NO_ANSWER: 1}
    found = {key: (one["verdict"], one["score"], one["extracted"]) for key, one in rows.items()}
    assert found == {
        "right": ("correct", 1.0, "3"),
        "2": ("wrong", 0.0, "4"),
        "none": ("no_answer", 0.0, None),
    }
    for one in rows.values():
        assert (one["grader"], one["profile"]) == ("math", pool.profile)
        assert one["rule"]
        assert one["seconds"] >= 0


def test_unknown_fields_are_passed_over(grade: Grade) -> None:
    """Files of other tools can be graded as they are."""
    assert grade(row("a", RIGHT, problem="1 + 2?", model="x", n=[1])) == {Verdict.CORRECT: 1}


def test_the_same_call_resumes(grade: Grade, tmp_path: Path) -> None:
    """What is there stays, and only the new row is graded."""
    grade(row("a", RIGHT), row("b", WRONG))
    before = (tmp_path / "out.jsonl").read_bytes()

    counts = grade(row("a", RIGHT), row("b", WRONG), row("c", RIGHT))

    assert (tmp_path / "out.jsonl").read_bytes().startswith(before)
    assert [one["id"] for one in read(tmp_path / "out.jsonl")][2:] == ["c"]
    assert counts == {Verdict.CORRECT: 2, Verdict.WRONG: 1}


def test_a_grader_error_is_tried_again(grade: Grade, tmp_path: Path, pool: GraderPool) -> None:
    """Our own failure is no verdict to keep."""
    made_by = {"grader": "math", "profile": pool.profile}
    write(tmp_path / "out.jsonl", {"id": "a", "verdict": "grader_error", "score": None, **made_by})

    assert grade(row("a", RIGHT)) == {Verdict.CORRECT: 1}


def test_grades_of_another_profile_are_not_mixed(grade: Grade, tmp_path: Path) -> None:
    """A file has the grades of one grader in one profile."""
    made_by = {"grader": "math", "profile": "before"}
    out = write(tmp_path / "out.jsonl", {"id": "a", "verdict": "wrong", **made_by})
    before = out.read_bytes()

    with pytest.raises(UsageError, match=r"out\.jsonl has verdicts by math before, not by math "):
        grade(row("a", RIGHT))
    assert out.read_bytes() == before


TOLERANCE = "must be a number of at least 0"
BAD_ROWS: dict[str, tuple[list[object], str]] = {
    "no JSON": ([row("a", RIGHT), "{"], r"answers\.jsonl, line 2: not JSON"),
    "too deep": (["[" * 100_000], "line 1: not JSON"),
    "a list": (["[1]"], r"line 1: expected a JSON object, found \[1\]"),
    "no id": ([{"gold": "3", "response": ""}], "line 1: expected .*found gold, response"),
    "no gold": ([{"id": "a", "response": ""}], "line 1: expected .*found id, response"),
    "no response": ([{"id": "a", "gold": "3"}], "line 1: expected .*found id, gold"),
    "a gold that is no text": ([{"id": 1, "gold": 3, "response": ""}], "the last two as texts"),
    "a problem that is no text": ([row("a", RIGHT, problem=1)], "the problem is not a text"),
    "a tolerance below 0": ([row("a", RIGHT, rel_tolerance=-1)], TOLERANCE),
    "a tolerance without end": (
        ['{"id":1,"gold":"3","response":"","abs_tolerance":NaN}'],
        TOLERANCE,
    ),
    "a tolerance that is no number": ([row("a", RIGHT, abs_tolerance="1e-3")], TOLERANCE),
    "an id twice": ([row("a", RIGHT), "", row("a", WRONG)], "line 3: the id 'a' was there before"),
}


@pytest.mark.parametrize(("rows", "message"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_named_before_anything_is_graded(
    grade: Grade, tmp_path: Path, rows: list[object], message: str
) -> None:
    """The message has file and line."""
    with pytest.raises(DataError, match=message):
        grade(*rows)
    assert not (tmp_path / "out.jsonl").exists()
