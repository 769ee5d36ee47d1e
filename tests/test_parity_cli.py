"""`evalkit parity` as a user types it: the table, a line per difference, exit codes, the file."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from evalkit.integrations import rewards

ROWS = [
    {"id": "a", "completion": r"So \boxed{3}.", "target": "3", "score": 1},
    {"id": "b", "completion": r"So \boxed{4}.", "target": "3", "score": 1},
    {"id": "c", "completion": r"So \boxed{3}.", "target": "3", "score": None},
]
Command = Callable[..., tuple[int, list[str], str]]


@pytest.fixture(autouse=True, scope="module")
def _graders_end() -> Iterator[None]:
    yield
    rewards.close()


@pytest.fixture
def parity(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Exit code, lines and errors of the command on ROWS."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_DEBUG", "")
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))

    def run(*arguments: str) -> tuple[int, list[str], str]:
        words = ["evalkit", "parity", *arguments, "--on", "rows.jsonl"]
        monkeypatch.setattr(sys, "argv", words)
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        written = capsys.readouterr()
        return code, written.out.splitlines(), written.err

    return run


def test_equal_grades_end_with_0(parity: Command) -> None:
    """The table has a line for each way."""
    code, lines, _ = parity("in-process", "trl")

    assert code == 0
    assert [line.split() for line in lines] == [
        ["Way", "Items", "Equal", "Differ", "No", "score", "Largest", "Mean"],
        ["in-process", "3", "–", "–", "0", "–", "0.6667"],
        ["trl", "3", "3", "0", "0", "0", "0.6667"],
    ]


def test_a_planted_difference_is_found(parity: Command) -> None:
    """With both scores, what the reference made of it, and exit code 4."""
    code, lines, _ = parity("in-process", "logged")

    assert code == 4
    assert lines[-2:] == [
        "rows.jsonl, line 2, problem b: score | in-process: 0 wrong 4 (boxed, numbers) | logged: 1 "
        "| target 3",
        "rows.jsonl, line 3, problem c: no score | in-process: 1 correct 3 (boxed, same text) | "
        "logged: no score | target 3",
    ]


def test_scores_that_are_missing_end_with_3(parity: Command) -> None:
    """Where nothing else differs."""
    code, lines, _ = parity("in-process", "logged", "--map=1=0", "--limit", "2")
    assert code == 4

    Path("rows.jsonl").write_text(json.dumps(ROWS[2]))
    code, lines, _ = parity("in-process", "logged")
    assert (code, lines[-1].split(" | ")[0]) == (3, "rows.jsonl, line 1, problem c: no score")


def test_differences_go_to_a_file(parity: Command) -> None:
    """One line of JSON for each, with all that is needed to look into it."""
    parity("logged", "in-process", "--out", "differences.jsonl")

    first, second = map(json.loads, Path("differences.jsonl").read_text().splitlines())
    assert first == {
        "way": "in-process",
        "reference": "logged",
        "where": "rows.jsonl, line 2",
        "problem_id": "b",
        "index": 0,
        "differs": ["score"],
        "sides": {
            "logged": {"score": 1.0, "said": {}, "detail": ""},
            "in-process": {
                "score": 0.0,
                "said": {
                    "verdict": "wrong",
                    "extracted": "4",
                    "span": [10, 11],
                    "rule": "boxed, numbers",
                },
                "detail": "",
            },
        },
        "grader": "math",
        "target": "3",
        "completion": r"So \boxed{4}.",
    }
    assert second["differs"] == ["no score"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("in-process tlr", 2, "unknown way 'tlr'; known: all, in-process"),
        ("in-process trl --grader maths", 2, "unknown grader 'maths'; known: archer2"),
        ("in-process trl --fields gold=x", 2, "unknown field 'gold'; known: completion, "),
        ("in-process trl --map 1:0", 2, "--map '1:0' is not of the form reward=score"),
        ("in-process trl --out rows.jsonl", 2, "--out rows.jsonl is the file of rows itself"),
        ("in-process trl --out no/x.jsonl", 2, "--out no/x.jsonl must be a file in a directory"),
        ("in-process http://127.0.0.1:9", 1, "no answer from http://127.0.0.1:9 within 0 s"),
    ],
)
def test_bad_input_is_answered_with_one_line(
    parity: Command, words: str, code: int, message: str
) -> None:
    """Before anything is graded."""
    found, lines, errors = parity(*words.split())

    assert (found, lines, errors.count("\n")) == (code, [], 1)
    assert errors.startswith(f"error: {message}")
