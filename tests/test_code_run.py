"""Runs of programs from samples to report, with recorded completions and made-up problems."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.records import RunWriter, read_manifest, read_problems
from evalkit.runner import grade_run, run
from evalkit.spec import RunSpec
from evalkit.types import CodeTests, UsageError

if TYPE_CHECKING:
    from docker import DockerClient

TASK = "lcb-v6"
RIGHT = "Thus:\n```python\nprint(input())\n```\nThat is all."
PLAIN = "Thus:\n```python\nimport sys\nfor line in sys.stdin:\n    print(line, end='')\n```\n"
WRONG = "```python\nprint(input() + '!')\n```"


def hub_row(problem_id: str) -> dict[str, str]:
    tests = [{"input": f"{k}\n", "output": f"{k}\n", "testtype": "stdin"} for k in range(3)]
    names = ("question_title", "question_content", "platform", "contest_id", "difficulty")
    return dict.fromkeys(names, "echo") | {
        "question_id": problem_id,
        "contest_date": "2025-03-01T00:00:00",
        "starter_code": "",
        "metadata": "{}",
        "public_test_cases": json.dumps(tests[:1]),
        "private_test_cases": json.dumps(tests[1:]),
    }


@pytest.fixture
def make_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Problems abc1_a and arc185_c (which has a known erratum), one recorded completion of each."""
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    problems, recording = tmp_path / "problems.jsonl", tmp_path / "recording.jsonl"
    names = ("abc1_a", "arc185_c")
    problems.write_text("\n".join(json.dumps(hub_row(name)) for name in names) + "\n")

    def make(texts: tuple[str, str], *, grade: bool) -> Path:
        rows = [{"problem_id": a, "text": b} for a, b in zip(names, texts, strict=True)]
        recording.write_text("\n".join(map(json.dumps, rows)) + "\n")
        spec = RunSpec(
            model="recorded",
            tasks=("lcb@v6:1",),
            problems=problems,
            engine="replay",
            engine_args={"path": str(recording)},
            out=tmp_path / "run",
            grader_workers=1,
        )
        return run(spec, grade=grade)

    return make


def grades(path: Path) -> list[dict[str, Any]]:
    lines = (path / TASK / "grades.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(map(json.loads, lines), key=lambda line: str(line["problem_id"]))


def numbers(path: Path) -> Any:
    return json.loads((path / "metrics.json").read_text(encoding="utf-8"))["tasks"][TASK]


@pytest.mark.parametrize(
    ("grader", "known"),
    [("math", "code, code-process"), ("nonsense", "archer2, code, code-process")],
)
def test_a_grader_of_answers_is_refused_for_programs(
    make_run: Callable[..., Path], grader: str, known: str
) -> None:
    """At once, naming those that there are, and the run stays as it was."""
    path = make_run((RIGHT, WRONG), grade=False)
    before = read_manifest(path)

    with pytest.raises(UsageError, match=rf"{grader}.*: {known}"):
        grade_run(path, grader=grader)
    assert read_manifest(path) == before
    assert not (path / TASK / "grades.jsonl").exists()


@pytest.mark.docker
def test_a_run_of_programs_is_scored(
    sandbox_client: "DockerClient", make_run: Callable[..., Path]
) -> None:
    """With and without errata, and each grade says where in the completion the program stands."""
    path = make_run((RIGHT, WRONG), grade=True)

    (right, wrong), found = grades(path), numbers(path)
    assert (right["verdict"], right["rule"]) == ("correct", "last-block, official")
    assert (wrong["verdict"], wrong["score"]) == ("wrong", 0.0)
    for grade, text in ((right, RIGHT), (wrong, WRONG)):
        assert text[slice(*grade["span"])] == grade["extracted"]
    assert [(one["name"], one["value"]) for one in found["metrics"]] == [("avg@1", 0.5)]
    assert found["without_errata"]["problem_ids"] == ["arc185_c"]
    assert found["without_errata"]["metrics"][0]["value"] == 1.0


@pytest.mark.docker
def test_a_run_is_graded_again_in_the_other_mode(
    sandbox_client: "DockerClient", make_run: Callable[..., Path]
) -> None:
    """A program that the official harness cannot feed is right as a plain process."""
    path = make_run((RIGHT, PLAIN), grade=True)
    assert numbers(path)["metrics"][0]["value"] == 0.5

    grade_run(path, grader="code-process")
    assert numbers(path)["metrics"][0]["value"] == 1.0
    assert read_manifest(path)["tasks"][TASK]["grader"] == "code-process"
    assert [one["grader"] for one in grades(path)].count("code-process") == 2


@pytest.mark.docker
@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"sha256": "0" * 64}, "not those that the run was made with: expected sha256 0000"),
        ({"store": "/nowhere/tests.sqlite"}, "there is no test store /nowhere/tests.sqlite"),
        ({"problem_id": "other"}, "has no problem 'other'"),
    ],
)
def test_tests_that_changed_give_no_score(
    sandbox_client: "DockerClient",
    make_run: Callable[..., Path],
    changes: dict[str, str],
    detail: str,
) -> None:
    """It is our failure, which is named, and says nothing of the program."""
    path = make_run((RIGHT, WRONG), grade=False)
    changed = []
    for problem in read_problems(path, TASK).values():
        assert isinstance(problem.target, CodeTests)
        changed.append(replace(problem, target=replace(problem.target, **changes)))
    with RunWriter(path) as writer:
        writer.write_problems(TASK, changed)
    grade_run(path)

    assert [(one["verdict"], one["score"]) for one in grades(path)] == [("grader_error", None)] * 2
    assert all(detail in one["detail"] for one in grades(path))
    assert numbers(path)["num_grader_errors"] == 2
