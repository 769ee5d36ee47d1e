"""Tolerances: from a task's YAML and its data into the targets, and through a run directory."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit import task as tasks
from evalkit.data import Row
from evalkit.records import RunWriter, read_problems
from evalkit.tolerance import Tolerance
from evalkit.types import Answer, DataError, Problem, UsageError


def target(task: str, **metadata: Any) -> Answer:
    problem = tasks.load_task(task)._problem(Row("2592", "How much?", "4.2", metadata))
    assert isinstance(problem.target, Answer)
    return problem.target


def test_a_share_of_the_gold_is_the_same_for_all_problems() -> None:
    """Minerva's answers have the tolerance of the grader that made most published numbers."""
    assert target("minerva") == Answer("4.2", rel_tolerance=1e-4, abs_tolerance=0.0)


@pytest.mark.parametrize("task", ["olympiad", "olympiad_675"])
@pytest.mark.parametrize(("error", "expected"), [("1e-1", 0.1), (0.1, 0.1), (None, 0.0), ("", 0.0)])
def test_a_column_holds_the_distance_of_each_problem(
    task: str, error: Any, expected: float
) -> None:
    """OlympiadBench's `error` is absolute; most problems have none, and other columns stay."""
    assert target(task, error=error, unit="%") == Answer("4.2", abs_tolerance=expected)


@pytest.mark.parametrize("task", ["aime24", "aime25", "amc23", "math500", "demo"])
def test_other_benchmarks_are_exact(task: str) -> None:
    """Their protocols state no tolerance."""
    assert target(task) == Answer("4.2")


@pytest.mark.parametrize("error", ["0.1,0.2", "small", [0.1], "-1", "nan", "inf"])
def test_a_column_without_a_number_is_an_error(error: Any) -> None:
    """Problem, column and value are named; nothing is guessed."""
    with pytest.raises(DataError, match=r"olympiad, problem 2592, error: expected (a|one) "):
        target("olympiad", error=error)


@pytest.mark.parametrize("relative", [-0.1, 1.0, float("nan")])
def test_a_tolerance_is_a_share(relative: float) -> None:
    """Not below zero, and less than all."""
    with pytest.raises(UsageError, match=r"tolerance: relative=.*, but it is a share of the gold"):
        Tolerance(relative=relative)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "tolerance: {absolute_column: error}",
            "task sums: tolerance: absolute_column 'error' is not among the columns that data: keep",
        ),
        ("tolerance: {relative: small}", "relative: expected a number, found 'small'"),
        ("tolerance: {absolute: 1}", "unknown key absolute; known: relative, absolute_column"),
    ],
)
def test_a_task_file_with_a_wrong_tolerance_says_so(
    make_task: Callable[..., Path], line: str, message: str
) -> None:
    """A column that is not kept, and YAML's trap of a number without a point."""
    path = make_task()
    path.write_text(f"{path.read_text()}{line}\n")

    with pytest.raises(UsageError) as error:
        tasks.load_task(str(path))

    assert message in str(error.value)


@pytest.mark.parametrize("tolerance", [Tolerance(relative=0.1), Tolerance(absolute_column="id")])
def test_programs_have_no_tolerance(tolerance: Tolerance) -> None:
    """A code task with one is refused."""
    with pytest.raises(UsageError, match="task humaneval: tolerance: there is none for programs"):
        replace(tasks.load_task("humaneval"), tolerance=tolerance)


def test_tolerances_are_recorded_with_a_run(tmp_path: Path) -> None:
    """A run can be graded again from itself."""
    problem = Problem("p", (), Answer("4.2", rel_tolerance=1e-4, abs_tolerance=0.1))
    with RunWriter(tmp_path / "run") as writer:
        writer.write_json("manifest.json", {"schema_version": 1})
        writer.write_problems("olympiad", [problem])

    assert read_problems(tmp_path / "run", "olympiad") == {"p": problem}


def test_runs_from_before_tolerances_are_exact(tmp_path: Path) -> None:
    """A target that is only a text is read as it always was."""
    (tmp_path / "old").mkdir()
    values = {"id": "p", "messages": [], "target": {"text": "4.2"}, "metadata": {}}
    (tmp_path / "old" / "problems.jsonl").write_text(json.dumps(values) + "\n")

    assert read_problems(tmp_path, "old")["p"].target == Answer("4.2")
