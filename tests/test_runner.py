"""Runs from spec to report with the replay engine: what resumes, what extends, what is refused."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.progress import Silent
from evalkit.records import RunWriter, read_manifest, read_problems, read_samples
from evalkit.runner import grade_run, run
from evalkit.spec import RunSpec
from evalkit.types import EngineError, EvalkitError, Grade, RunError, UsageError, Verdict

MakeSpec = Callable[..., RunSpec]


@pytest.fixture
def make_spec(
    tmp_path: Path, make_task: Callable[..., Path], make_recording: Callable[..., Path]
) -> MakeSpec:
    """A run of four problems with three recorded samples each, into `tmp_path / "run"`."""
    task, recording = make_task(4, n=2), make_recording(4, n=3)

    def make(**changes: Any) -> RunSpec:
        values: dict[str, Any] = {
            "model": "demo",
            "tasks": (str(task),),
            "engine": "replay",
            "engine_args": {"path": str(recording)},
            "out": tmp_path / "run",
            "grader_workers": 1,
        }
        return RunSpec(**{**values, **changes})

    return make


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def keys(path: Path) -> Counter[tuple[str, int]]:
    return Counter((line["problem_id"], line["index"]) for line in lines(path))


def expected_keys(num_problems: int, n: int) -> Counter[tuple[str, int]]:
    return Counter((str(i), index) for i in range(num_problems) for index in range(n))


def numbers(path: Path, task: str = "sums") -> Any:
    return json.loads((path / "metrics.json").read_text(encoding="utf-8"))["tasks"][task]


def averages(path: Path, task: str = "sums") -> dict[str, float]:
    return {one["name"]: one["value"] for one in numbers(path, task)["metrics"]}


def test_run_directory_holds_what_the_design_lists(make_spec: MakeSpec) -> None:
    """The files of a finished run, and no others."""
    path = run(make_spec())

    files = {str(one.relative_to(path)) for one in path.rglob("*") if one.is_file()}
    assert files == {
        ".lock",
        "manifest.json",
        "metrics.json",
        "report.md",
        "sums/problems.jsonl",
        "sums/samples.jsonl",
        "sums/grades.jsonl",
        "sums/records.parquet",
    }


def test_each_sample_is_generated_and_graded_once(make_spec: MakeSpec) -> None:
    """Sample 0 of each problem is right and sample 1 wrong, so avg@2 is a half and pass@2 is 1."""
    path = run(make_spec())

    assert keys(path / "sums" / "samples.jsonl") == expected_keys(4, 2)
    assert keys(path / "sums" / "grades.jsonl") == expected_keys(4, 2)
    assert averages(path) == {"avg@2": 0.5, "pass@2": 1.0, "maj@2": 0.5}


def test_same_command_again_adds_nothing(make_spec: MakeSpec) -> None:
    """A finished run is left byte for byte as it is."""
    path = run(make_spec())
    before = {
        name: (path / "sums" / name).read_bytes() for name in ("samples.jsonl", "grades.jsonl")
    }
    run(make_spec())

    assert before == {name: (path / "sums" / name).read_bytes() for name in before}
    assert len(read_manifest(path)["invocations"]) == 1


def test_run_cut_at_any_byte_resumes_to_the_same_samples(make_spec: MakeSpec) -> None:
    """Whatever a kill left of samples and grades, the rest is added and nothing is doubled."""
    path = run(make_spec())
    whole = averages(path)
    draw = random.Random(1)
    contents = {
        name: (path / "sums" / name).read_bytes() for name in ("samples.jsonl", "grades.jsonl")
    }
    for _ in range(12):
        for name, content in contents.items():
            (path / "sums" / name).write_bytes(content[: draw.randrange(len(content))])
        (path / "metrics.json").unlink()
        run(make_spec())
        assert keys(path / "sums" / "samples.jsonl") == expected_keys(4, 2)
        assert set(keys(path / "sums" / "grades.jsonl")) == set(expected_keys(4, 2))
        assert averages(path) == whole


def test_run_killed_before_its_first_sample_resumes(make_spec: MakeSpec) -> None:
    """Manifest and problems without samples are a run that goes on."""
    path = run(make_spec())
    for name in ("samples.jsonl", "grades.jsonl", "records.parquet"):
        (path / "sums" / name).unlink()
    run(make_spec())

    assert keys(path / "sums" / "grades.jsonl") == expected_keys(4, 2)


def test_larger_n_extends_the_run(make_spec: MakeSpec) -> None:
    """Only the new samples are generated; the old lines stay in front."""
    path = run(make_spec())
    before = (path / "sums" / "samples.jsonl").read_bytes()
    run(make_spec(n=3))

    assert (path / "sums" / "samples.jsonl").read_bytes().startswith(before)
    assert keys(path / "sums" / "samples.jsonl") == expected_keys(4, 3)
    assert averages(path)["avg@3"] == pytest.approx(1 / 3)


def test_smaller_n_keeps_what_is_there(make_spec: MakeSpec) -> None:
    """The run stays complete, and its numbers are those of all samples."""
    path = run(make_spec(n=3))
    run(make_spec(n=1))

    assert numbers(path)["n"] == 3
    assert numbers(path)["is_complete"]


def test_larger_limit_extends_the_run_and_its_problems(make_spec: MakeSpec) -> None:
    """The problems of the larger limit are written down, so that they can be graded again."""
    path = run(make_spec(limit=1))
    assert numbers(path)["is_partial"]
    run(make_spec(limit=3))

    assert list(read_problems(path, "sums")) == ["0", "1", "2"]
    assert keys(path / "sums" / "grades.jsonl") == expected_keys(3, 2)
    assert numbers(path)["num_problems"] == 3


def test_smaller_limit_loses_no_problem(make_spec: MakeSpec) -> None:
    """What was planned before stays planned, and stays gradable."""
    path = run(make_spec())
    run(make_spec(limit=1))

    assert list(read_problems(path, "sums")) == ["0", "1", "2", "3"]
    assert numbers(path)["is_complete"]
    assert not numbers(path)["is_partial"]


def test_further_and_reordered_tasks_extend_the_run(
    make_spec: MakeSpec, make_task: Callable[..., Path]
) -> None:
    """A task that is added leaves the first alone, in whatever order they are named."""
    path = run(make_spec())
    before = (path / "sums" / "samples.jsonl").read_bytes()
    more = make_task(2, name="more")
    run(make_spec(tasks=(str(more), str(more.with_name("sums.yaml")))))

    assert (path / "sums" / "samples.jsonl").read_bytes() == before
    assert keys(path / "more" / "grades.jsonl") == expected_keys(2, 2)
    assert list(read_problems(path, "more")) == ["0", "1"]
    assert list(read_manifest(path)["tasks"]) == ["sums", "more"]


def test_task_that_is_not_named_again_is_graded_too(
    make_spec: MakeSpec, make_task: Callable[..., Path]
) -> None:
    """A resumed run leaves no sample of it without a grade."""
    path = run(make_spec())
    (path / "sums" / "grades.jsonl").unlink()
    run(make_spec(tasks=(str(make_task(2, name="more")),)))

    assert numbers(path)["num_ungraded"] == 0


class Counts(Silent):
    """Keeps what a run said of itself when it started to work."""

    def start(self, *, num_samples: int, num_generated: int, num_graded: int) -> None:
        self.started = (num_samples, num_generated, num_graded)


def test_progress_counts_all_tasks_of_the_run(
    make_spec: MakeSpec, make_task: Callable[..., Path]
) -> None:
    """Samples of a task that is not named again count as generated, and graded where they are."""
    path = run(make_spec())
    (path / "sums" / "grades.jsonl").unlink()
    counts = Counts()
    run(make_spec(tasks=(str(make_task(2, name="more")),)), progress=counts)

    assert counts.started == (8 + 4, 8, 0)


def test_speed_settings_extend_the_run(make_spec: MakeSpec) -> None:
    """How fast an engine is told to be does not make another run."""
    path = run(make_spec(limit=1))
    spec = make_spec()
    run(make_spec(engine_args={**spec.engine_args, "rate": 10_000}, grader_workers=2))

    assert keys(path / "sums" / "samples.jsonl") == expected_keys(4, 2)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"temperature": 0.5}, "sums.sampling.temperature: 1.0 in the run, 0.5 asked for"),
        ({"seed": 7}, "run.seed: 0 in the run, 7 asked for"),
        ({"system_prompt": "Hi"}, "sums.system_prompt: None in the run, 'Hi' asked for"),
        ({"max_tokens": 8}, "sums.sampling.max_tokens: 16 in the run, 8 asked for"),
        ({"stop": ("x",)}, r"sums.sampling.stop: \[\] in the run, \['x'\] asked for"),
    ],
)
def test_other_settings_are_refused_with_the_difference(
    make_spec: MakeSpec, changes: dict[str, Any], difference: str
) -> None:
    """What would change a sample is an error that prints both values, and the run stays as it is."""
    path = run(make_spec())
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}

    with pytest.raises(RunError, match=difference):
        run(make_spec(**changes))
    del before[path / ".lock"]
    assert before == {file: file.read_bytes() for file in before}


def test_other_data_is_refused(make_spec: MakeSpec, make_task: Callable[..., Path]) -> None:
    """A benchmark whose rows changed under its name does not extend the run."""
    run(make_spec())
    make_task(5)

    with pytest.raises(RunError, match=r"sums\.data_sha256: '[0-9a-f]{64}' in the run"):
        run(make_spec())


def test_other_recording_is_another_model(
    make_spec: MakeSpec, make_recording: Callable[..., Path]
) -> None:
    """The weights' fingerprint (here the recording's) is part of the run."""
    run(make_spec())
    other = make_recording(4, n=4, name="other")

    with pytest.raises(RunError, match=r"run\.model\.recording_sha256"):
        run(make_spec(engine_args={"path": str(other)}))


@pytest.mark.parametrize(
    "changes",
    [
        {"grader": "nonsense"},
        {"unclosed_thinking": "nonsense"},
        {"k": (5,)},
        {"engine_args": {"path": "absent.jsonl"}},
        {"engine_args": {}},
        {"tasks": ("absent",)},
    ],
)
def test_failed_start_leaves_nothing(
    make_spec: MakeSpec, tmp_path: Path, changes: dict[str, Any]
) -> None:
    """No directory, no parent of it and no temporary file."""
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(EvalkitError):
        run(make_spec(out=tmp_path / "new" / "run", **changes))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("changes", [{"grader": "nonsense"}, {"unclosed_thinking": "nonsense"}])
def test_failed_start_leaves_the_manifest_of_a_run_alone(
    make_spec: MakeSpec, changes: dict[str, Any]
) -> None:
    """A mistyped setting cannot enter a run that is already there."""
    path = run(make_spec())
    before = (path / "manifest.json").read_bytes()

    with pytest.raises(UsageError, match="nonsense"):
        run(make_spec(**changes))
    with pytest.raises(UsageError, match="nonsense"):
        grade_run(path, **changes)
    assert (path / "manifest.json").read_bytes() == before


def test_engine_failure_keeps_what_was_generated(
    make_spec: MakeSpec, make_recording: Callable[..., Path], tmp_path: Path
) -> None:
    """When the engine fails half way the samples before are on disk, and a smaller n is complete."""
    with pytest.raises(EngineError, match="the recording has 3"):
        run(make_spec(n=4))

    assert keys(tmp_path / "run" / "sums" / "samples.jsonl") == Counter(
        {("0", index): 1 for index in range(3)}
    )
    run(make_spec(n=2))
    assert expected_keys(4, 2) <= keys(tmp_path / "run" / "sums" / "samples.jsonl")


def test_generated_run_is_graded_later(make_spec: MakeSpec) -> None:
    """Without grading every sample is reported as not graded; grading needs nothing but the run."""
    path = run(make_spec(), grade=False)
    assert numbers(path)["num_ungraded"] == 8
    assert numbers(path)["metrics"] == []
    moved = path.rename(path.with_name("moved elsewhere"))
    grade_run(moved)

    assert averages(moved)["avg@2"] == 0.5
    assert numbers(moved)["is_complete"]


def test_grading_again_adds_one_grade_per_sample(make_spec: MakeSpec) -> None:
    """With `again` everything is graded once more; without it nothing is."""
    path = run(make_spec())
    grade_run(path)
    assert len(lines(path / "sums" / "grades.jsonl")) == 8
    grade_run(path, again=True)

    assert keys(path / "sums" / "grades.jsonl") == expected_keys(4, 2) + expected_keys(4, 2)


def test_only_errors_grades_the_grader_errors_alone(make_spec: MakeSpec) -> None:
    """Neither samples with a verdict nor those without a grade are touched."""
    path = run(make_spec())
    grades = path / "sums" / "grades.jsonl"
    without_last = grades.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]
    grades.write_text("".join(without_last), encoding="utf-8")
    last = json.loads(without_last[-1])
    with RunWriter(path) as writer:
        error = Grade(verdict=Verdict.GRADER_ERROR, score=None)
        writer.add_grade(("sums", "2", 0), error, last["grader"], last["profile"])
    grade_run(path, only_errors=True)

    added = lines(grades)[8:]
    assert [(one["problem_id"], one["index"], one["verdict"]) for one in added] == [
        ("2", 0, "correct")
    ]
    assert numbers(path)["num_ungraded"] == 1


def test_grader_errors_are_tried_again_by_the_same_command(make_spec: MakeSpec) -> None:
    """A resumed run grades them anew, and the last grade counts."""
    path = run(make_spec())
    profile = lines(path / "sums" / "grades.jsonl")[0]["profile"]
    with RunWriter(path) as writer:
        error = Grade(verdict=Verdict.GRADER_ERROR, score=None)
        writer.add_grade(("sums", "1", 1), error, "math", profile)
    run(make_spec())

    assert numbers(path)["num_grader_errors"] == 0
    assert averages(path)["avg@2"] == 0.5


def test_grades_of_the_manifests_grader_count(make_spec: MakeSpec) -> None:
    """Another grader adds its grades and is named; going back uses the old ones."""
    path = run(make_spec())
    grade_run(path, grader="qwen-math")
    assert numbers(path)["grader"] == "qwen-math"
    assert Counter(line["grader"] for line in lines(path / "sums" / "grades.jsonl")) == {
        "math": 8,
        "qwen-math": 8,
    }
    run(make_spec())

    assert numbers(path)["grader"] == "math"
    assert len(lines(path / "sums" / "grades.jsonl")) == 16


def test_unclosed_thinking_can_be_graded_afterwards(
    make_spec: MakeSpec, make_task: Callable[..., Path], tmp_path: Path
) -> None:
    """The other profile gets grades of its own, and the way back finds the first ones."""
    make_task(1, n=1)
    recording = tmp_path / "thinking.jsonl"
    text = r"<think>So it is \boxed{0}."
    recording.write_text(json.dumps({"problem_id": "0", "text": text}) + "\n")
    path = run(make_spec(engine_args={"path": str(recording)}))
    assert averages(path) == {"avg@1": 0.0}

    grade_run(path, unclosed_thinking="grade")
    assert averages(path) == {"avg@1": 1.0}
    grade_run(path, unclosed_thinking="no_answer")
    assert averages(path) == {"avg@1": 0.0}
    assert len(lines(path / "sums" / "grades.jsonl")) == 2


def test_protocol_is_kept_for_each_task(
    make_spec: MakeSpec, make_task: Callable[..., Path]
) -> None:
    """A task that is added under a protocol does not lend its name to those run before."""
    path = run(make_spec())
    more = make_task(2, name="more")
    run(make_spec(tasks=(str(more),), protocol="aspo"))

    assert numbers(path)["protocol"] == "task defaults"
    assert numbers(path, "more")["protocol"] == "aspo"


def test_damaged_middle_line_stops_the_resumption(make_spec: MakeSpec) -> None:
    """A run that cannot be read is not extended, and the line is named."""
    path = run(make_spec())
    samples = path / "sums" / "samples.jsonl"
    content = samples.read_bytes().splitlines(keepends=True)
    content[3] = content[3][:20] + b"\n"
    samples.write_bytes(b"".join(content))

    with pytest.raises(RunError, match=r"samples\.jsonl, line 4 is damaged"):
        run(make_spec(n=3))
    assert samples.read_bytes() == b"".join(content)


def test_newer_manifest_is_refused(make_spec: MakeSpec) -> None:
    """Neither a run nor grading goes on in a directory of a newer schema."""
    path = run(make_spec())
    manifest = read_manifest(path)
    (path / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 2}))

    with pytest.raises(RunError, match="newer evalkit"):
        run(make_spec())
    with pytest.raises(RunError, match="newer evalkit"):
        grade_run(path)


def test_directory_without_out_is_named_for_the_command(
    make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `out` the same command finds its directory again."""
    monkeypatch.chdir(tmp_path)
    path = run(make_spec(out=None, limit=1))
    assert path.parent == Path("results")

    assert run(make_spec(out=None)) == path
    assert keys(path / "sums" / "samples.jsonl") == expected_keys(4, 2)


@pytest.mark.parametrize(
    "name", ['it\'s "q"', "[red]*?{x}", "ünï 題 \U0001f9ee", "new\nline", "-a,b=c"]
)
def test_odd_directory_names_work(make_spec: MakeSpec, tmp_path: Path, name: str) -> None:
    """Quotes, glob characters, markup and line breaks in the path change nothing."""
    path = run(make_spec(out=tmp_path / name / "run", limit=2))

    assert averages(path)["avg@2"] == 0.5


def test_odd_problem_ids_work(
    make_spec: MakeSpec, make_task: Callable[..., Path], tmp_path: Path
) -> None:
    """Samples and grades meet by ids that hold quotes, separators and letters of any script."""
    from hashlib import sha256

    from evalkit.data import Row, canonical_bytes

    ids = ['it\'s "q"', "a\u2028b", "\U0001f9ee", "x'; DROP TABLE samples; --", "\\n"]
    task = make_task(len(ids), n=1)
    old = [Row(str(i), f"What is {i} + {i}?", str(2 * i)) for i in range(len(ids))]
    rows = [Row(ids[i], row.question, row.answer) for i, row in enumerate(old)]
    (tmp_path / "sums.jsonl").write_text(
        "".join(
            json.dumps({"id": r.id, "question": r.question, "answer": r.answer}) + "\n"
            for r in rows
        )
    )
    pinned = [sha256(canonical_bytes(one)).hexdigest() for one in (old, rows)]
    task.write_text(task.read_text().replace(*pinned))
    recording = tmp_path / "odd.jsonl"
    recording.write_text(
        "".join(
            json.dumps({"problem_id": r.id, "text": rf"\boxed{{{r.answer}}}"}) + "\n" for r in rows
        )
    )
    path = run(make_spec(engine_args={"path": str(recording)}))

    assert averages(path) == {"avg@1": 1.0}
    assert [sample.problem_id for sample in read_samples(path, "sums")] == ids


def test_run_copied_elsewhere_is_complete(make_spec: MakeSpec, tmp_path: Path) -> None:
    """A run directory refers to nothing outside it for grading and reports."""
    path = run(make_spec())
    shutil.copytree(path, tmp_path / "copy")
    shutil.rmtree(path)
    grade_run(tmp_path / "copy", again=True)

    assert averages(tmp_path / "copy")["avg@2"] == 0.5
