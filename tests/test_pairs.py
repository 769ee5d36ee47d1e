"""`evalkit grade-pairs` for programs: a verdict per row, resumed as often as need be; bad rows are named."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalkit.graders.code_pool import CodePool
from evalkit.graders.pool import profile_name
from evalkit.pairs import grade_pairs
from evalkit.pairs.bulk import Watcher
from evalkit.types import DataError, UsageError, Verdict

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("sandbox_client")]

HubRow = Callable[..., dict[str, str]]

ADD = "a, b = map(int, input().split())\nprint(a + b)\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def pool(sandbox_client: object) -> Iterator[CodePool]:
    with CodePool("code-process", num_workers=2) as made:
        yield made


def write(path: Path, *rows: object) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    )
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class Files:
    """Problems, pairs and verdicts in a folder."""

    def __init__(self, folder: Path, pool: CodePool, hub_row: HubRow) -> None:
        self.pool = pool
        self.folder = folder
        self.out = folder / "out.jsonl"
        self.problems = write(
            folder / "problems.jsonl",
            hub_row("sum", ("1 2", "3"), ("3 4", "7")),
            hub_row("none"),
        )

    def grade(self, *rows: object, **options: Any) -> dict[Verdict, int]:
        pairs = write(self.folder / "pairs.jsonl", *rows)
        return dict(grade_pairs(pairs, self.problems, self.out, self.pool, **options))


class Told(Watcher):
    """What the caller is told meanwhile."""

    def __init__(self) -> None:
        self.num_rows = 0
        self.verdicts: list[Verdict] = []

    def start(self, num_rows: int) -> None:
        self.num_rows = num_rows

    def graded(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)


@pytest.fixture
def files(tmp_path: Path, pool: CodePool, hub_row: HubRow) -> Files:
    return Files(tmp_path, pool, hub_row)


def pair(key: object, code: str = ADD, question: str = "sum") -> dict[str, object]:
    return {"id": key, "question_id": question, "code": code}


def test_each_row_gets_a_verdict_with_its_reason(files: Files) -> None:
    counts = files.grade(pair("right"), pair("wrong", "print(3)"), pair("bad", "1 / 0"))

    rows = {row["id"]: row for row in read(files.out)}
    assert counts == {Verdict.CORRECT: 1, Verdict.WRONG: 1, Verdict.RUNTIME_ERROR: 1}
    assert {key: row["verdict"] for key, row in rows.items()} == {
        "right": "correct",
        "wrong": "wrong",
        "bad": "runtime_error",
    }
    assert {key: row["failing_test"] for key, row in rows.items()} == {
        "right": None,
        "wrong": 1,
        "bad": 0,
    }
    assert {key: (row["score"], row["status"]) for key, row in rows.items()} == {
        "right": (1.0, "ok"),
        "wrong": (0.0, "ok"),
        "bad": (0.0, "runtime_error"),
    }
    assert {row["question_id"] for row in rows.values()} == {"sum"}
    assert all(row["cpu_s"] > 0 and row["wall_s"] > 0 for row in rows.values())
    assert rows["wrong"]["detail"] == "expected '7', got '3\\n'"


def test_a_response_is_searched_for_its_program(files: Files) -> None:
    blocks = f"```python\nprint(0)\n```\nor\n```python\n{ADD}```\n"
    rows = [
        {"id": "block", "question_id": "sum", "response": blocks},
        {"id": "text", "question_id": "sum", "response": ADD},
    ]

    files.grade(*rows)

    found = {row["id"]: (row["verdict"], row["score"]) for row in read(files.out)}
    assert found == {"block": ("correct", 1.0), "text": ("no_answer", 0.0)}


def test_the_rule_of_extraction_can_be_chosen(files: Files) -> None:
    row = {"id": "1", "question_id": "sum", "response": f"```\n{ADD}```"}

    assert files.grade(row, extraction="archer") == {Verdict.NO_ANSWER: 1}


def test_the_same_call_resumes(files: Files) -> None:
    files.grade(pair("a"), pair("b", "print(3)"))
    before = files.out.read_bytes()

    counts = files.grade(pair("a"), pair("b", "print(3)"), pair("c"))

    assert files.out.read_bytes().startswith(before)
    assert [row["id"] for row in read(files.out)][2:] == ["c"]
    assert counts == {Verdict.CORRECT: 2, Verdict.WRONG: 1}


def test_a_torn_line_is_judged_again(files: Files) -> None:
    files.grade(pair("a"), pair("b"))
    files.out.write_bytes(files.out.read_bytes()[:-20])

    assert files.grade(pair("a"), pair("b")) == {Verdict.CORRECT: 2}
    assert sorted(row["id"] for row in read(files.out)) == ["a", "b"]


def test_a_grader_error_is_tried_again(files: Files) -> None:
    made_by = {"grader": "code-process", "profile": profile_name("no_answer", "code-process")}
    write(
        files.out,
        {"id": "a", "verdict": "grader_error", **made_by},
        {"id": "b", "verdict": "wrong", **made_by},
    )

    assert files.grade(pair("a"), pair("b")) == {Verdict.CORRECT: 1, Verdict.WRONG: 1}
    assert [(row["id"], row["verdict"]) for row in read(files.out)][2:] == [("a", "correct")]


def test_verdicts_of_two_modes_are_not_mixed(files: Files) -> None:
    made_by = {"grader": "code", "profile": profile_name("no_answer", "code")}
    write(files.out, {"id": "a", "verdict": "wrong", **made_by})

    with pytest.raises(
        UsageError, match=r"verdicts by code v1, not by code-process v1: use another"
    ):
        files.grade(pair("a"))


def test_a_problem_without_tests_gives_a_grader_error(files: Files) -> None:
    assert files.grade(pair("a", question="none"), pair("b")) == {
        Verdict.GRADER_ERROR: 1,
        Verdict.CORRECT: 1,
    }
    (row,) = (row for row in read(files.out) if row["id"] == "a")
    assert row["score"] is None
    assert "no tests" in row["detail"]


def test_more_rows_than_are_on_their_way_at_once(files: Files) -> None:
    rows = [pair(number, ADD if number % 2 else "print(3)") for number in range(450)]
    told = Told()

    counts = files.grade(*rows, watcher=told)

    assert counts == {Verdict.CORRECT: 225, Verdict.WRONG: 225}
    assert sorted(int(row["id"]) for row in read(files.out)) == list(range(450))
    assert (told.num_rows, len(told.verdicts)) == (450, 450)


BAD_ROWS: dict[str, tuple[list[object], str]] = {
    "no JSON": ([pair("a"), "{"], r"pairs\.jsonl, line 2: not JSON"),
    "a list": (["[1]"], r"line 1: expected"),
    "a number": (["1"], r"line 1: expected"),
    "no id": ([{"question_id": "sum", "code": ""}], r"line 1: expected .*found question_id, code"),
    "no question": ([{"id": "a", "code": ""}], r"line 1: expected .*found id, code"),
    "a question that is no text": ([{"id": 1, "question_id": 1, "code": ""}], "line 1: expected"),
    "no program": ([{"id": "a", "question_id": "sum"}], r"line 1: expected"),
    "a program that is no text": ([{"id": 1, "question_id": "sum", "code": 3}], "line 1: expected"),
    "both": (
        [{"id": "a", "question_id": "sum", "code": "", "response": ""}],
        r"line 1: expected",
    ),
    "an unknown question": ([pair("a"), pair("b", question="x")], r"line 2: .* no problem 'x'"),
    "an id twice": ([pair("a"), "", pair("a")], r"line 3: the id 'a' was there before"),
}


@pytest.mark.parametrize(("rows", "message"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_named_before_anything_is_judged(
    files: Files, rows: list[object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        files.grade(*rows)
    assert not files.out.exists()


def test_a_file_that_is_no_text_is_an_error_of_the_data(files: Files) -> None:
    path = files.folder / "pairs.jsonl"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(DataError, match=r"pairs\.jsonl"):
        grade_pairs(path, files.problems, files.out, files.pool)


def test_a_file_that_is_not_there_is_an_error_of_usage(files: Files) -> None:
    with pytest.raises(UsageError, match=r"no\.jsonl"):
        grade_pairs(files.folder / "no.jsonl", files.problems, files.out, files.pool)


def test_an_unknown_rule_of_extraction_is_refused_with_those_that_exist(files: Files) -> None:
    with pytest.raises(UsageError, match=r"unknown extraction 'first'; known: archer, last-block"):
        files.grade(pair("a"), extraction="first")
    assert not files.out.exists()


@pytest.fixture
def command(files: Files) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    def call(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        start = [sys.executable, "-c", "from evalkit.cli import main; main()", "grade-pairs"]
        fixed = ["--problems", str(files.problems), "--out", str(files.out)]
        return subprocess.run(
            [*start, str(files.folder / "pairs.jsonl"), *fixed, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "200", **environment},
        )

    return call


def test_the_command_counts_the_verdicts(files: Files, command: Callable[..., Any]) -> None:
    write(files.folder / "pairs.jsonl", pair("a"), pair("b", "print(3)"))

    done = command("--mode", "process", "--workers", "1")

    assert done.returncode == 0
    assert done.stdout.startswith("1 correct, 1 wrong; 2 graded in ")
    assert len(read(files.out)) == 2


def test_the_command_has_its_own_exit_code_for_grader_errors(
    files: Files, command: Callable[..., Any]
) -> None:
    write(files.folder / "pairs.jsonl", pair("a", question="none"))

    assert command("--workers", "1").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--grader", "maths"), "unknown grader 'maths'; known: archer2, code, code-process, "),
        (("--mode", "fast"), "unknown mode 'fast'; known: official, process"),
        (("--time-limit", "0"), "--time-limit 0.0, but it must be more than 0"),
        (("--time-limit", "nan"), "--time-limit nan, but it must be more than 0"),
    ],
)
def test_the_command_refuses_what_it_does_not_know(
    files: Files, command: Callable[..., Any], arguments: tuple[str, ...], message: str
) -> None:
    write(files.folder / "pairs.jsonl", pair("a"))

    done = command(*arguments)

    assert (done.returncode, message in done.stderr) == (2, True), done.stderr


def test_the_command_says_in_one_line_that_docker_is_not_there(
    files: Files, command: Callable[..., Any], tmp_path: Path
) -> None:
    write(files.folder / "pairs.jsonl", pair("a"))

    done = command(DOCKER_HOST=f"unix://{tmp_path}/none.sock")

    assert done.returncode == 1
    assert done.stderr.startswith("error: Docker does not run here: ")
    assert len(done.stderr.splitlines()) == 1
