"""Names in requests become problems of loaded tasks and graders of the server, or a refusal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.server.errors import RequestError
from evalkit.server.spec import ServeSpec
from evalkit.server.work import Catalogue
from evalkit.types import Answer, CodeTests, DataError, InlineTests, UsageError

TESTS = InlineTests(inputs=("1",), outputs=("2",))


@pytest.fixture
def catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub_row: Callable[..., dict[str, str]]
) -> Catalogue:
    """Of a task of answers and one of programs."""
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps(hub_row("double", ("1\n", "2\n"))) + "\n")
    spec = ServeSpec(
        tasks=("demo", "lcb@v6:1"), problems=problems, graders=("math", "qwen-math", "code")
    )
    return Catalogue(spec)


def code_item(catalogue: Catalogue) -> dict[str, Any]:
    (task,) = (name for name in catalogue.tasks if name != "demo")
    return {"task": task, "problem_id": "double", "completion": "x"}


def refusal(catalogue: Catalogue, **fields: Any) -> RequestError:
    with pytest.raises(RequestError) as found:
        catalogue.work(**{"completion": "x", "where": "items[3]", **fields})
    assert found.value.response().body  # whatever is in it can be sent
    return found.value


def test_a_problem_brings_its_tests_and_grader(catalogue: Catalogue) -> None:
    """Those of its task."""
    work = catalogue.work(**code_item(catalogue))

    assert isinstance(work.problem.target, CodeTests)
    assert work.grader == "code"


@pytest.mark.parametrize(
    ("target", "grader", "used"),
    [
        ("7", None, "math"),
        ("7", "qwen-math", "qwen-math"),
        (Answer("7"), None, "math"),
        (TESTS, None, "code"),
        (TESTS, "code", "code"),
    ],
)
def test_a_target_has_its_grader(
    catalogue: Catalogue, target: Any, grader: str | None, used: str
) -> None:
    """The one that was asked for, else the first that takes such a target."""
    assert catalogue.work(target=target, grader=grader, completion="x").grader == used


@pytest.mark.parametrize(
    ("fields", "status", "error", "where"),
    [
        ({"target": "7", "grader": "code"}, 422, "'code' does not take an answer", "grader"),
        ({"target": TESTS, "grader": "math"}, 422, "'math' does not take tests", "grader"),
        ({"target": TESTS, "grader": "code-process"}, 404, "it has: code, math", "grader"),
        ({"task": "demo", "problem_id": "1", "grader": "code"}, 422, "an answer", "grader"),
        ({"task": "demo", "problem_id": "\ud800"}, 404, "'\\ud800'; it has: 0, 1, 2", "problem_id"),
        ({"task": "\n\x1b", "target": "7"}, 404, "'\\n\\x1b'; it has: demo", "task"),
        ({"problem_id": "1"}, 422, "needs the task", ""),
        ({"problem_id": "1", "target": "7"}, 422, "either problem_id or target", ""),
        ({}, 422, "either problem_id or target", ""),
    ],
)
def test_what_does_not_fit_is_refused(
    catalogue: Catalogue, fields: dict[str, Any], status: int, error: str, where: str
) -> None:
    """With what would, and where it stands."""
    found = refusal(catalogue, **fields)

    assert found.status == status
    assert error in str(found)
    assert found.where == ("items[3]." + where).rstrip(".")


@pytest.mark.parametrize("sha256", ["0" * 64, "\ud800", "\n\x1b[31m", "x" * 1_000_000])
def test_other_tests_are_refused(catalogue: Catalogue, sha256: str) -> None:
    """A verdict by other tests than the client's would be no verdict; equal ones are fine."""
    item = code_item(catalogue)
    target = catalogue.work(**item).problem.target
    assert isinstance(target, CodeTests)
    same = catalogue.work(**item, tests_sha256=target.sha256)
    found = refusal(catalogue, **item, tests_sha256=sha256)

    assert same.problem.target == target
    assert (found.status, found.where) == (409, "items[3].tests_sha256")
    assert target.sha256 in str(found)
    assert str(found).isprintable()
    assert len(str(found)) < 1_000


def test_a_completion_of_the_greatest_length() -> None:
    """Counted in characters."""
    catalogue = Catalogue(ServeSpec(max_completion_chars=3))

    assert catalogue.work(target="7", completion="äöü").sample.text == "äöü"
    assert refusal(catalogue, target="7", completion="äöü7").status == 413


@pytest.mark.parametrize("thinking_opened", [True, False])
def test_the_server_says_how_prompts_end_where_a_request_does_not(thinking_opened: bool) -> None:
    """`None` is nothing said."""
    catalogue = Catalogue(ServeSpec(thinking_opened=thinking_opened))
    found = [
        catalogue.work(target="7", completion="", thinking_opened=one).sample.thinking_opened
        for one in (None, True, False)
    ]

    assert found == [thinking_opened, True, False]


def test_a_task_without_its_data_does_not_start(tmp_path: Path) -> None:
    """A server that runs can grade what it lists."""
    with pytest.raises(DataError):
        Catalogue(ServeSpec(tasks=("aime24",), data_dir=tmp_path))
    with pytest.raises(UsageError, match="unknown task or suite 'nope'"):
        Catalogue(ServeSpec(tasks=("nope",)))
