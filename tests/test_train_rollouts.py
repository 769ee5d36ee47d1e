"""The samples of a step on disk: what `evalkit parity` compares, written again when a step is."""

import json
from pathlib import Path

from evalkit.engine import Rollout
from evalkit.grading import sample_of
from evalkit.parity import RowForm, read_items
from evalkit.train.collection import Graded
from evalkit.train.prompts import TrainingProblem
from evalkit.train.rollouts import write_rollouts
from evalkit.types import Answer, Grade, Problem, Prompt, SamplingParams, Verdict

PROBLEM = TrainingProblem(
    "sums", "math", Problem("7", (), Answer("3", 0.5)), Prompt((1,), ""), SamplingParams()
)


def graded(text: str, verdict: Verdict, score: float | None) -> Graded:
    grade = Grade(verdict=verdict, score=score, extracted=text, span=(0, 1), rule="boxed")
    return Graded(PROBLEM, Rollout(sample_of(text), (1,), (0.0,)), grade)


def test_a_step_can_be_compared(tmp_path: Path) -> None:
    """Target, completion, score and verdict come back; a failure of the grader has no score."""
    write_rollouts(
        tmp_path,
        12,
        [graded("3", Verdict.CORRECT, 1.0), graded("x", Verdict.GRADER_ERROR, None)],
    )
    right, failed = read_items(tmp_path / "rollouts" / "12.jsonl", RowForm())

    assert (right.problem.target, right.sample.text) == (Answer("3", 0.5), "3")
    assert right.logged is not None
    assert failed.logged is not None
    assert (right.logged.score, right.logged.said["verdict"]) == (1.0, "correct")
    assert right.logged.said["span"] == (0, 1)
    assert failed.logged.score is None


def test_a_step_that_is_made_again_replaces_its_file(tmp_path: Path) -> None:
    for text in ("3", "4"):
        write_rollouts(tmp_path, 1, [graded(text, Verdict.WRONG, 0.0)])

    [path] = (tmp_path / "rollouts").iterdir()
    assert json.loads(path.read_text())["completion"] == "4"
