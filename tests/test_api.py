"""The public Python interface over run directories, finished and going on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.maths.profiles import PROFILES
from evalkit.records import RunWriter
from evalkit.types import Grade, Sample, Verdict

COLUMNS = [
    "task",
    "problem_id",
    "index",
    "seed",
    "text",
    "finish_reason",
    "num_tokens",
    "thinking_opened",
    "grader",
    "profile",
    "verdict",
    "score",
    "extracted",
    "rule",
    "detail",
    "seconds",
]


@pytest.fixture
def spec(
    tmp_path: Path, make_task: Callable[..., Path], make_recording: Callable[..., Path]
) -> evalkit.RunSpec:
    return evalkit.RunSpec(
        model="demo",
        tasks=(str(make_task(3)), str(make_task(2, name="more"))),
        engine="replay",
        engine_args={"path": str(make_recording(3))},
        out=tmp_path / "run",
        grader_workers=1,
    )


def begin(writer: RunWriter, *tasks: str) -> None:
    """The manifest of a run whose samples are still to come."""
    entry: dict[str, Any] = {
        "title": "Sums",
        "identity": {"data_sha256": "0" * 64},
        "num_problems": 2,
        "num_planned": 2,
        "n": 1,
        "ks": [1],
        "grader": "math",
    }
    manifest = {
        "schema_version": 1,
        "model": "demo",
        "identity": {},
        "protocol": None,
        "protocol_label": "task defaults",
        "protocol_changes": [],
        "notes": [],
        "unclosed_thinking": "no_answer",
        "published_as": None,
        "invocations": [],
        "tasks": dict.fromkeys(tasks, entry),
    }
    writer.write_json("manifest.json", manifest)


def add_sample(writer: RunWriter, problem_id: str, *, is_graded: bool) -> None:
    sample = Sample(
        task="sums",
        problem_id=problem_id,
        index=0,
        seed=1,
        text="t",
        finish_reason="stop",
        num_tokens=1,
    )
    writer.add_sample(sample)
    if is_graded:
        grade = Grade(verdict=Verdict.CORRECT, score=1.0, extracted="1")
        writer.add_grade(sample.key, grade, "math", PROFILES["math"])


def test_run_gives_a_row_per_sample_and_the_metrics(spec: evalkit.RunSpec) -> None:
    """Samples of all tasks with their grades, in a table with the columns of the records."""
    done = evalkit.run(spec)

    table = done.to_pandas()
    assert list(table.columns) == COLUMNS
    assert table.groupby("task").size().to_dict() == {"sums": 6, "more": 4}
    assert table["score"].mean() == 0.5
    assert done.metrics["tasks"]["more"]["metrics"][0]["value"] == 0.5


def test_load_run_reads_what_run_wrote(spec: evalkit.RunSpec) -> None:
    """A directory named by text or path gives the same run."""
    done = evalkit.run(spec)

    assert evalkit.load_run(str(done.path)) == done
    assert evalkit.load_run(done.path).manifest["model"] == "demo"


def test_load_run_refuses_other_directories(tmp_path: Path) -> None:
    """A directory without a manifest is named in the error."""
    with pytest.raises(evalkit.EvalkitError, match=f"{tmp_path} is not a run directory"):
        evalkit.load_run(tmp_path)


def test_run_that_goes_on_gives_a_row_per_sample(tmp_path: Path) -> None:
    """While another holds the directory: graded and ungraded samples, and metrics of so far."""
    with RunWriter(tmp_path / "run") as writer:
        begin(writer, "sums", "later")
        add_sample(writer, "a", is_graded=True)
        add_sample(writer, "b", is_graded=False)
        with (writer.path / "sums" / "samples.jsonl").open("a") as stream:
            stream.write('{"problem_id": "torn')
        going_on = evalkit.load_run(writer.path)

        table = going_on.to_pandas().set_index("problem_id")
        assert table["score"].isna().to_dict() == {"a": False, "b": True}
        assert going_on.metrics["tasks"]["sums"]["num_ungraded"] == 1
        assert not (writer.path / "metrics.json").exists()


def test_run_without_samples_is_an_empty_table(tmp_path: Path) -> None:
    """Nothing yet is no error, and the columns are there."""
    with RunWriter(tmp_path / "run") as writer:
        begin(writer, "sums")

    table = evalkit.load_run(tmp_path / "run").to_pandas()
    assert (len(table), list(table.columns)) == (0, COLUMNS)


def test_stale_metrics_are_not_served(spec: evalkit.RunSpec) -> None:
    """After samples were added, metrics are those of now, not of the last report."""
    done = evalkit.run(spec)
    with RunWriter(done.path) as writer:
        add_sample(writer, "2", is_graded=False)

    assert done.metrics["tasks"]["sums"]["num_samples"] == 7


def test_grade_is_that_of_a_run(make_task: Callable[..., Path]) -> None:
    """One completion is graded as `evalkit run` grades it."""
    task = str(make_task(3))

    right = evalkit.grade(task, problem_id="2", completion=r"\boxed{4}")
    assert (right.verdict, right.score) == (evalkit.Verdict.CORRECT, 1.0)
    assert evalkit.grade(task, problem_id="2", completion=r"\boxed{5}").score == 0.0


def test_grade_lists_problems_for_an_unknown_one(make_task: Callable[..., Path]) -> None:
    """The error says what exists."""
    with pytest.raises(evalkit.EvalkitError, match="no problem '9'; it has 3, as 0, 1, 2"):
        evalkit.grade(str(make_task(3)), problem_id="9", completion="")
