"""`evalkit grade-one`: one comparison, step by step."""

import json
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from evalkit.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def grade_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output and standard error of the command."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["evalkit", "grade-one", *arguments])
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        written = capsys.readouterr()
        return code, written.out, written.err

    return call


def test_an_equal_answer_exits_with_0(grade_one: Run) -> None:
    """The last line is the verdict."""
    code, out, _ = grade_one("--gold", r"\frac{1}{2}", "--answer", "0.5")

    assert code == 0
    assert out.splitlines()[-1].startswith("correct: ")


def test_a_different_answer_exits_with_1(grade_one: Run) -> None:
    """A wrong answer is a result, not a failure of the command."""
    code, out, _ = grade_one("--gold", "3", "--answer", "4")

    assert code == 1
    assert out.splitlines()[-1].startswith("wrong: ")


def test_every_rung_is_shown_with_verdict_and_time(grade_one: Run) -> None:
    """The JSON has all that is printed, and the types of both."""
    code, out, _ = grade_one("--gold", "x+1", "--answer", "1+x", "--json")

    found = json.loads(out)
    assert (code, found["verdict"], found["extraction"]) == (0, "correct", None)
    assert found["gold_type"]
    assert found["answer_type"]
    assert [rung["verdict"] for rung in found["rungs"]].count(True) >= 1
    assert all(rung["name"] and rung["seconds"] >= 0 for rung in found["rungs"])


def test_a_response_is_searched(grade_one: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash reads standard input; the place of the answer is shown."""
    monkeypatch.setattr(sys, "stdin", StringIO(r"I say \boxed{42}."))

    code, out, _ = grade_one("--gold", "42", "--response", "-")

    assert code == 0
    assert "extraction  characters 13–15" in out.splitlines()


def test_a_response_without_an_answer_exits_with_1(grade_one: Run) -> None:
    """There is nothing to compare."""
    code, out, _ = grade_one("--gold", "42", "--response", "<think>It is 42, no, ", "--json")

    found = json.loads(out)
    assert (code, found["verdict"], found["answer"], found["rungs"]) == (1, "no_answer", None, [])


@pytest.mark.parametrize("more", [(), ("--answer", "1", "--response", "1")])
def test_an_answer_or_a_response_is_needed(grade_one: Run, more: tuple[str, ...]) -> None:
    """Not both and not none of them."""
    code, _, error = grade_one("--gold", "42", *more)

    assert (code, error) == (2, "error: exactly one of --answer and --response is needed\n")


def test_a_tolerance_is_for_decimals(grade_one: Run) -> None:
    """As in the protocols that state one; without it decimals are exact."""
    near = ("--gold", "2.500", "--answer", "2.5001")

    assert grade_one(*near)[0] == 1
    assert grade_one(*near, "--rel-tolerance", "1e-3")[0] == 0
