"""The run directory: lines that survive a kill, exclusive writing, and what it refuses to touch."""

import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evalkit.jsonl import JsonlWriter, copy_complete_lines
from evalkit.records import (
    RunWriter,
    read_manifest,
    read_problems,
    read_samples,
    read_verdicts,
)
from evalkit.types import (
    Answer,
    CodeTests,
    Grade,
    Problem,
    RunError,
    RunInUseError,
    Sample,
    Verdict,
)

ODD_TEXTS = {
    "NUL": "a\0b",
    "line separators": "a\u2028b\u2029c\x85d\ve\ff\rg\nh",
    "emoji": "\U0001f9ee\u200d\U0001f4a5",
    "quotes": 'it\'s "q" \\ `;-- $1 {x}',
    "a megabyte": "x" * 1_000_000,
    "empty": "",
}


def make_sample(index: int = 0, *, text: str = "t", problem_id: str = "p") -> Sample:
    return Sample(
        task="sums",
        problem_id=problem_id,
        index=index,
        seed=2**53 - 1,
        text=text,
        finish_reason="stop",
        num_tokens=1,
    )


def begin_run(path: Path, **changes: object) -> None:
    """The least that makes a directory a run."""
    with RunWriter(path) as writer:
        writer.write_json("manifest.json", {"schema_version": 1, "tasks": {}, **changes})


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_any_text_is_read_back_as_it_was(tmp_path: Path, text: str) -> None:
    """Samples keep every character of text and problem id, each sample on one line."""
    sample = make_sample(text=text, problem_id=text[:50])
    begin_run(tmp_path / "run")
    with RunWriter(tmp_path / "run") as writer:
        writer.add_sample(sample)
        writer.add_sample(make_sample(1))

    assert [sample, make_sample(1)] == list(read_samples(tmp_path / "run", "sums"))


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    """UTF-8 cannot hold them; the file stays readable and nothing else of the text is lost."""
    begin_run(tmp_path / "run")
    with RunWriter(tmp_path / "run") as writer:
        writer.add_sample(make_sample(text="a\ud800b\udfff"))

    (sample,) = read_samples(tmp_path / "run", "sums")
    assert sample.text == "a\ufffdb\ufffd"


@pytest.mark.parametrize(
    "torn", [b"{", b'{"value": 1', b'{"value": 1}', b"\0" * 70_000, b"\xf0\x9f"]
)
def test_opening_cuts_off_a_torn_last_line(tmp_path: Path, torn: bytes) -> None:
    """What was written before stays, the fragment goes, and the next line stands on its own."""
    path = tmp_path / "file.jsonl"
    path.write_bytes(b'{"value": 0}\n' + torn)
    writer = JsonlWriter(path)
    writer.append({"value": 2})
    writer.close()

    assert path.read_bytes() == b'{"value": 0}\n{"value": 2}\n'


def test_a_file_of_a_torn_line_alone_becomes_empty(tmp_path: Path) -> None:
    """A kill during the very first line leaves nothing to keep."""
    path = tmp_path / "file.jsonl"
    path.write_bytes(b"x" * 200_000)
    JsonlWriter(path).close()

    assert path.read_bytes() == b""


def test_lines_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    """Every line is there once and whole, however many threads append."""
    path = tmp_path / "file.jsonl"
    writer = JsonlWriter(path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: writer.append({"i": i, "x": "y" * (i % 7) * 5000}), range(500)))
    writer.close()

    lines = path.read_bytes().splitlines()
    assert sorted(json.loads(line)["i"] for line in lines) == list(range(500))


def test_nothing_is_written_after_closing(tmp_path: Path) -> None:
    """A late thread cannot write into whatever file has the descriptor by then."""
    writer = JsonlWriter(tmp_path / "file.jsonl")
    writer.close()
    other = (tmp_path / "other").open("wb")
    with other, pytest.raises(ValueError, match="closed"):
        writer.append({"a": 1})

    assert (tmp_path / "other").read_bytes() == b""


def test_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    """The error names the file and the system's reason."""
    with pytest.raises(RunError, match=f"cannot write {tmp_path}: Is a directory"):
        JsonlWriter(tmp_path)


def test_copy_leaves_out_the_torn_line_and_the_source_alone(tmp_path: Path) -> None:
    """A snapshot of a file that is being written has complete lines only."""
    source, target = tmp_path / "source.jsonl", tmp_path / "target.jsonl"
    source.write_bytes(b"{}\n{}\n{")
    copy_complete_lines(source, target)

    assert target.read_bytes() == b"{}\n{}\n"
    assert source.read_bytes() == b"{}\n{}\n{"


@pytest.mark.parametrize(
    "line",
    [b"{", b"\xff\xfe", b"[]", b"7", b'{"problem_id": "p"}', b'{"strange": 1}', b""],
)
def test_damaged_middle_line_is_named(tmp_path: Path, line: bytes) -> None:
    """Whatever a line in the middle holds instead of a sample, the error says where it is."""
    folder = tmp_path / "run" / "sums"
    begin_run(tmp_path / "run")
    with RunWriter(tmp_path / "run") as writer:
        writer.add_sample(make_sample())
    good = (folder / "samples.jsonl").read_bytes()
    (folder / "samples.jsonl").write_bytes(good + line + b"\n" + good)

    with pytest.raises(RunError, match=r"samples\.jsonl, line 2 is damaged"):
        list(read_samples(tmp_path / "run", "sums"))


def test_unknown_verdict_is_named_as_damage(tmp_path: Path) -> None:
    """A grade that no evalkit wrote is not passed over."""
    (tmp_path / "sums").mkdir()
    grade = {"problem_id": "p", "index": 0, "grader": "g", "profile": "v", "verdict": "perfect"}
    (tmp_path / "sums" / "grades.jsonl").write_text(json.dumps(grade) + "\n")

    with pytest.raises(RunError, match=r"grades\.jsonl, line 1 is damaged.*perfect"):
        read_verdicts(tmp_path, "sums", "g", "v")


def test_last_verdict_of_grader_and_profile_counts(tmp_path: Path) -> None:
    """Grades by another grader or in another profile do not enter, wherever they stand."""
    key = ("sums", "p", 0)
    begin_run(tmp_path / "run")
    with RunWriter(tmp_path / "run") as writer:
        for verdict, grader, profile in (
            (Verdict.CORRECT, "math", "v1"),
            (Verdict.WRONG, "math", "v1"),
            (Verdict.CORRECT, "qwen-math", "v1"),
            (Verdict.NO_ANSWER, "math", "v1+unclosed"),
        ):
            score = float(verdict is Verdict.CORRECT)
            writer.add_grade(key, Grade(verdict=verdict, score=score), grader, profile)

    assert read_verdicts(tmp_path / "run", "sums", "math", "v1") == {key: Verdict.WRONG}


def test_problems_are_read_back(tmp_path: Path) -> None:
    """A run can be graded from itself: ids, messages, targets and metadata survive."""
    problem = Problem("it's\u2028\0", ({"role": "user", "content": "?"},), Answer("1"), {"a": [1]})
    begin_run(tmp_path / "run")
    with RunWriter(tmp_path / "run") as writer:
        writer.write_problems("sums", [problem])

    assert read_problems(tmp_path / "run", "sums") == {problem.id: problem}


@pytest.mark.parametrize("fn_name", [None, "add"])
def test_tests_of_programs_are_read_back_as_they_were(tmp_path: Path, fn_name: str | None) -> None:
    """The reference to the tests, with limit and rule, beside problems that have answers."""
    tests = CodeTests(
        store="/s.sqlite",
        problem_id="p",
        num_tests=3,
        sha256="0" * 64,
        fn_name=fn_name,
        time_limit_s=2.5,
        extraction="archer",
    )
    problems = [Problem("p", (), tests), Problem("q", (), Answer("1"))]
    begin_run(tmp_path / "run")
    with RunWriter(tmp_path / "run") as writer:
        writer.write_problems("code", problems)

    assert list(read_problems(tmp_path / "run", "code").values()) == problems


def test_a_target_of_neither_kind_is_damage(tmp_path: Path) -> None:
    """File and line are named."""
    begin_run(tmp_path / "run")
    (tmp_path / "run" / "code").mkdir()
    line = '{"id": "p", "messages": [], "target": {"store": "s"}, "metadata": {}}\n'
    (tmp_path / "run" / "code" / "problems.jsonl").write_text(line)

    with pytest.raises(RunError, match=r"problems\.jsonl, line 1 is damaged: .*num_tests"):
        read_problems(tmp_path / "run", "code")


def test_second_writer_is_refused_with_the_pid(tmp_path: Path) -> None:
    """The message names the process that has the directory, and the first writer keeps it."""
    with RunWriter(tmp_path / "run") as writer:
        writer.write_json("manifest.json", {"schema_version": 1})
        with (
            pytest.raises(RunInUseError, match=rf"pid {os.getpid()}\b"),
            RunWriter(tmp_path / "run"),
        ):
            pass
        writer.add_sample(make_sample())

    assert [make_sample()] == list(read_samples(tmp_path / "run", "sums"))


def test_refused_start_leaves_the_other_one_alone(tmp_path: Path) -> None:
    """Also while the other has written nothing but its lock."""
    with RunWriter(tmp_path / "run") as writer:
        with pytest.raises(RunInUseError), RunWriter(tmp_path / "run"):
            pass
        writer.write_json("manifest.json", {"schema_version": 1})

    assert (tmp_path / "run" / "manifest.json").exists()


def test_unused_directory_is_removed_with_its_new_parents(tmp_path: Path) -> None:
    """A start that fails before the manifest leaves the file system as it was."""
    with RunWriter(tmp_path / "a" / "b" / "run") as writer:
        (writer.path / "engine.log").write_text("boom")
        writer.write_problems("sums", [])

    assert list(tmp_path.iterdir()) == []


def test_unused_directory_that_was_there_stays_and_is_empty(tmp_path: Path) -> None:
    """The user's own empty directory is not removed."""
    with RunWriter(tmp_path):
        pass

    assert list(tmp_path.iterdir()) == []


def test_directory_of_a_killed_start_is_taken_over(tmp_path: Path) -> None:
    """Lock, log, problems and half-written manifest of a killed process stop nobody."""
    (tmp_path / "sums").mkdir()
    for name in (".lock", "engine.log", ".manifest.json.tmp", "sums/problems.jsonl"):
        (tmp_path / name).write_text("12345")
    begin_run(tmp_path)

    assert read_manifest(tmp_path)["schema_version"] == 1
    assert not (tmp_path / ".manifest.json.tmp").exists()


@pytest.mark.parametrize(
    "names", [["thesis.tex"], ["problems.jsonl"], [".lock", "sums/samples.jsonl"]]
)
def test_directory_that_is_no_run_is_refused_untouched(tmp_path: Path, names: list[str]) -> None:
    """Neither foreign files nor samples whose manifest is gone are ever written to or removed."""
    (tmp_path / "sums").mkdir()
    for name in names:
        (tmp_path / name).write_text("precious")
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(RunError, match="is not a run directory"), RunWriter(tmp_path):
        pass
    assert sorted(tmp_path.rglob("*")) == before


def test_out_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """A file is not replaced by a directory."""
    (tmp_path / "file").write_text("precious")

    with pytest.raises(RunError, match="not a directory"), RunWriter(tmp_path / "file"):
        pass
    with pytest.raises(RunError, match="not a run directory"):
        read_manifest(tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"schema_version": 2}',
            "newer evalkit: its schema_version is 2, this evalkit reads up to 1",
        ),
        ("{", r"manifest\.json is damaged"),
        ("[]", "no schema_version"),
        ("{}", "no schema_version"),
        ("\udcff", r"manifest\.json is damaged"),
    ],
)
def test_unreadable_manifest_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    """A manifest that is newer or damaged is named, not misread."""
    (tmp_path / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(RunError, match=message):
        read_manifest(tmp_path)


def test_replaced_file_is_old_or_new_and_leaves_no_other(tmp_path: Path) -> None:
    """A value that cannot be written keeps the old file and leaves no temporary one."""
    begin_run(tmp_path / "run")
    before = (tmp_path / "run" / "manifest.json").read_bytes()
    with pytest.raises(TypeError), RunWriter(tmp_path / "run") as writer:
        writer.write_json("manifest.json", {"not": object()})

    assert (tmp_path / "run" / "manifest.json").read_bytes() == before
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [".lock", "manifest.json"]


def test_file_that_cannot_be_replaced_leaves_no_temporary_one(tmp_path: Path) -> None:
    """What the system refuses is an error that names the file, and nothing is left beside it."""
    begin_run(tmp_path / "run")
    (tmp_path / "run" / "metrics.json").mkdir()

    with (
        RunWriter(tmp_path / "run") as writer,
        pytest.raises(RunError, match=r"cannot write .*metrics\.json"),
    ):
        writer.write_json("metrics.json", {})
    names = sorted(one.name for one in (tmp_path / "run").iterdir())
    assert names == [".lock", "manifest.json", "metrics.json"]


def test_every_prefix_of_the_bytes_reads_as_a_prefix_of_the_lines(tmp_path: Path) -> None:
    """Wherever a kill cuts the file, exactly the lines that were complete are read."""
    begin_run(tmp_path / "run")
    texts = ["", "ünï\U0001f9ee", "x" * 300, "\n\r\u2028"]
    with RunWriter(tmp_path / "run") as writer:
        for index, text in enumerate(texts):
            writer.add_sample(make_sample(index, text=text))
    file = tmp_path / "run" / "sums" / "samples.jsonl"
    content = file.read_bytes()

    for length in random.Random(0).sample(range(len(content) + 1), 200):
        file.write_bytes(content[:length])
        num_lines = content[:length].count(b"\n")
        found = [sample.text for sample in read_samples(tmp_path / "run", "sums")]
        assert found == texts[:num_lines]
