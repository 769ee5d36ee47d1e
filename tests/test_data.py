"""Benchmark rows: read, checked against what a task pins, fetched, and the real ones validated."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.data import DataSource, Row, canonical_bytes, find_file, load_rows
from evalkit.graders.pool import GraderPool
from evalkit.task import load_task
from evalkit.types import DataError
from evalkit.validation import validate_task

MakeTask = Callable[..., Path]

ROWS = [
    {"id": "a", "q": "1 + 1?", "a": "2", "unit": "m"},
    {"id": "b", "q": "2²?", "a": "4", "unit": None},
]
# The canonical form, written out by hand.
CANONICAL = '["a", "1 + 1?", "2", "m"]\n["b", "2²?", "4", null]'


def source(**changes: Any) -> DataSource:
    values = {
        "file": "rows.jsonl",
        "num_problems": 2,
        "sha256": hashlib.sha256(CANONICAL.encode()).hexdigest(),
        "columns": {"id": "id", "question": "q", "answer": "a"},
        "keep": ("unit",),
    }
    return DataSource(**{**values, **changes})


def write(folder: Path, rows: list[Any], name: str = "rows.jsonl") -> Path:
    (folder / name).write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return folder


def changed(index: int, **values: Any) -> list[dict[str, Any]]:
    return [{**row, **(values if i == index else {})} for i, row in enumerate(ROWS)]


def test_rows_are_read_in_the_columns_of_the_task(tmp_path: Path) -> None:
    """Id, question and answer come from the named columns, kept columns go into the metadata."""
    rows = load_rows("t", source(), write(tmp_path, ROWS))

    assert rows == [Row("a", "1 + 1?", "2", {"unit": "m"}), Row("b", "2²?", "4", {"unit": None})]


def test_hash_is_over_canonical_rows(tmp_path: Path) -> None:
    """Order of columns, further columns, blank lines and escapes in the file do not matter."""
    lines = [
        json.dumps({"more": 1, **dict(reversed(row.items()))}, ensure_ascii=False) for row in ROWS
    ]
    (tmp_path / "rows.jsonl").write_text("\n\n".join(lines), encoding="utf-8")

    assert len(load_rows("t", source(), tmp_path)) == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("045", "045"),
        ("27.0", "27"),
        (27.0, "27"),
        (27, "27"),
        ("-1.0", "-1"),
        (-1.50, "-1.5"),
        ("2.50", "2.50"),
        ([" $x$ "], "$x$"),
        ([3.0], "3"),
        ("1.0 m", "1.0 m"),
    ],
    ids=repr,
)
def test_answers_become_text(tmp_path: Path, value: Any, text: str) -> None:
    """A number has the same text whether a copy stores it as integer, float or string."""
    rows = [Row("a", "1 + 1?", text)]
    one = source(num_problems=1, keep=(), sha256=hashlib.sha256(canonical_bytes(rows)).hexdigest())

    assert load_rows("t", one, write(tmp_path, changed(0, a=value)[:1])) == rows


def test_rows_without_id_column_are_numbered(tmp_path: Path) -> None:
    """The position in the file is the id where the data have none."""
    canonical = '["0", "1 + 1?", "2"]\n["1", "2²?", "4"]'
    one = source(
        columns={"question": "q", "answer": "a"},
        keep=(),
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
    )

    assert [row.id for row in load_rows("t", one, write(tmp_path, ROWS))] == ["0", "1"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (changed(1, id="a"), "expected unique ids, found 'a' 2 times"),
        (ROWS[:1], "expected 2 problems, found 1"),
        ([*ROWS, {**ROWS[0], "id": "c"}], "expected 2 problems, found 3"),
        (changed(1, a="5"), "expected rows with sha256 {pinned}, found "),
        (changed(1, q="3²?"), "expected rows with sha256 {pinned}, found "),
        (changed(1, unit="kg"), "expected rows with sha256 {pinned}, found "),
        (ROWS[::-1], "expected rows with sha256 {pinned}, found "),
        ([{"id": "a", "q": "?", "x": 1}], "row 0: expected a column 'a', found id, q, x"),
        ([{"id": "a", "q": "?", "a": 1}], "row 0: expected a column 'unit', found id, q, a"),
        (changed(1, q=None), "row 1: expected a question, found None"),
        (changed(1, q=" "), "row 1: expected a question, found ' '"),
        (changed(1, a=None), "row 1: expected text or a number, found None"),
        (changed(1, a=""), "row 1: expected text or a number, found ''"),
        (changed(1, a=True), "row 1: expected text or a number, found True"),
        (changed(1, a=["x", "y"]), "row 1: expected a list of one element, found ['x', 'y']"),
        (
            changed(1, unit={"a": 1}),
            "row 1, unit: expected text, numbers or lists of them, found {'a'",
        ),
        ([ROWS[0], 5], "line 2: expected a JSON object, found 5"),
    ],
)
def test_data_that_are_not_as_pinned_are_refused(
    tmp_path: Path, rows: list[Any], message: str
) -> None:
    """The error says what was expected and what was found."""
    with pytest.raises(DataError) as error:
        load_rows("t", source(), write(tmp_path, rows))

    assert message.replace("{pinned}", source().sha256) in str(error.value)
    assert "rows.jsonl" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": "a"\n', r"rows\.jsonl, line 1: not JSON: Expecting"),
        (b"\xff\xfe", r"rows\.jsonl is not UTF-8 text"),
        (b"", "expected 2 problems, found 0"),
    ],
)
def test_a_file_that_is_not_json_lines_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """A damaged file is an error that names file and line, never an empty benchmark."""
    (tmp_path / "rows.jsonl").write_bytes(content)

    with pytest.raises(DataError, match=message):
        load_rows("t", source(), tmp_path)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The three places where files are looked for; EVALKIT_DATA is set, XDG_CACHE_HOME is the cache."""
    found = {
        "option": tmp_path / "o",
        "variable": tmp_path / "v",
        "cache": tmp_path / "evalkit/data",
    }
    for folder in found.values():
        folder.mkdir(parents=True)
    monkeypatch.setenv("EVALKIT_DATA", str(found["variable"]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("EVALKIT_CACHE", raising=False)
    return found


def test_data_dir_wins_over_the_variable_and_that_over_the_cache(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--data-dir, then EVALKIT_DATA, then the cache, then the hub."""
    for folder in folders.values():
        write(folder, ROWS)

    assert find_file(source(), folders["option"]) == folders["option"] / "rows.jsonl"
    assert find_file(source()) == folders["variable"] / "rows.jsonl"
    monkeypatch.delenv("EVALKIT_DATA")
    assert find_file(source()) == folders["cache"] / "rows.jsonl"
    (folders["cache"] / "rows.jsonl").unlink()
    assert find_file(source()) is None


def test_an_empty_variable_is_as_none(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """EVALKIT_DATA= does not name the working directory, and the hub is asked."""
    monkeypatch.setenv("EVALKIT_DATA", "")

    assert find_file(source()) is None


@pytest.mark.parametrize("named_by", ["--data-dir", "EVALKIT_DATA"])
def test_a_named_directory_that_lacks_the_file_is_an_error(
    folders: dict[str, Path], named_by: str
) -> None:
    """The hub does not silently stand in for a directory that the user named."""
    option = folders["option"] if named_by == "--data-dir" else None
    folder = option or folders["variable"]
    write(folders["cache"], ROWS)

    with pytest.raises(DataError) as error:
        find_file(source(hub="owner/set"), option)

    assert str(error.value) == (
        f"{folder} (named by {named_by}) has no file rows.jsonl; "
        f"`evalkit data fetch --to {folder}` writes it"
    )


def test_data_that_are_nowhere_name_the_way_to_give_them(folders: dict[str, Path]) -> None:
    """A task without a hub id says which file to put where."""
    os.environ.pop("EVALKIT_DATA")

    with pytest.raises(
        DataError, match=r"^t: rows\.jsonl is not on the hub: .* --data-dir or EVALK"
    ):
        load_rows("t", source())


def fetch(task: Path, folder: Path, home: Path) -> "subprocess.CompletedProcess[str]":
    """`evalkit data fetch` with the caches of the hub libraries below `home`, and no network."""
    command = [sys.executable, "-c", "from evalkit.cli import main; main()"]
    command += ["data", "fetch", str(task), "--to", str(folder)]
    environment = {**os.environ, "HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_fetched_data_are_what_the_task_pins(make_task: MakeTask, tmp_path: Path) -> None:
    """A data set of the hub's layout is written as a file that a task then reads without the hub.

    `load_dataset` takes a directory in place of a hub id; its numbers are floats here.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    task = make_task(3)
    (tmp_path / "set").mkdir()
    rows = [
        {"id": i, "question": f"What is {i} + {i}?", "answer": 2.0 * i, "x": 1} for i in range(3)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "set" / "test.parquet")
    task.write_text(task.read_text().replace("bundled: true", f"hub: {tmp_path / 'set'}"))

    done = fetch(task, tmp_path / "out", tmp_path)

    assert (done.returncode, done.stdout) == (0, f"sums: {tmp_path / 'out' / 'sums.jsonl'}\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sums.jsonl"]
    first = (tmp_path / "out" / "sums.jsonl").read_text().splitlines()[0]
    assert json.loads(first) == {"id": 0, "question": "What is 0 + 0?", "answer": 0.0}
    assert len(load_task(str(task)).problems(tmp_path / "out")) == 3


def test_fetching_without_a_network_names_the_offline_way(
    make_task: MakeTask, tmp_path: Path
) -> None:
    """The error names the data set, the reason and --data-dir, without a traceback."""
    task = make_task(3)
    task.write_text(task.read_text().replace("bundled: true", "hub: owner/sums"))

    done = fetch(task, tmp_path / "out", tmp_path)

    assert done.returncode == 1
    assert re.fullmatch(
        r"error: sums: cannot load owner/sums from the hub \(.+\)\. Without a network, name a "
        r"directory that holds sums\.jsonl with --data-dir or EVALKIT_DATA\n",
        done.stderr,
    )
    assert not (tmp_path / "out").exists()


# Independent of evalkit: the sums are those of the data's README, the columns those of the sets.
BENCHMARKS = {
    "aime24": ("aime24.jsonl", "3b791bec", ("id", "problem", "answer")),
    "aime25": ("aime25.jsonl", "c19e99ec", ("id", "problem", "answer")),
    "amc23": ("amc23.jsonl", "d29862b3", ("id", "question", "answer")),
    "math500": ("math500.jsonl", "35dc4108", ("unique_id", "problem", "answer")),
    "minerva": ("minervamath.jsonl", "e04ec2bc", (None, "question", "answer")),
    "olympiad": ("olympiadbench.jsonl", "508fbf94", ("id", "question", "final_answer")),
    "olympiad_675": (
        "extra/olympiadbench_github675.jsonl",
        "bb8c1e38",
        ("id", "question", "final_answer"),
    ),
}


def jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def plain(value: Any) -> str:
    (text,) = value if isinstance(value, list) else (value,)
    return str(text).removesuffix(".0")


@pytest.mark.data
@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmarks_are_the_published_files(name: str, shared_data: Path) -> None:
    """Count, questions and answers are those of a file whose sum the data's README states."""
    file, sum_starts_with, (id_, question, answer) = BENCHMARKS[name]
    path = shared_data / "math" / file

    problems = load_task(name).problems(shared_data / "math")

    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(sum_starts_with)
    raw = jsonl(path)
    assert [p.target.text for p in problems] == [plain(row[answer]).strip() for row in raw]
    assert [
        p.messages[0]["content"].startswith(row[question])
        for p, row in zip(problems, raw, strict=True)
    ]
    assert [p.id for p in problems] == [
        str(row[id_]) if id_ else str(i) for i, row in enumerate(raw)
    ]


@pytest.mark.data
@pytest.mark.parametrize("name", BENCHMARKS)
def test_reference_answers_grade_as_correct(name: str, shared_data: Path) -> None:
    """Every answer of a benchmark, boxed, is CORRECT against itself."""
    task = load_task(name)
    with GraderPool(task.grader) as pool:
        found = validate_task(task, pool, shared_data / "math")

    assert [(problem.id, problem.target.text) for problem, _ in found.failures] == []
    assert found.num_problems == task.data.num_problems


def test_validation_finds_an_answer_that_the_grader_cannot_read(
    make_task: MakeTask, tmp_path: Path
) -> None:
    """A reference answer that does not grade as correct against itself is a failure."""
    task = make_task(2)
    rows = [Row("0", "What is 0 + 0?", "0"), Row("1", "What is 1 + 1?", "}2{")]
    lines = [json.dumps({"id": r.id, "question": r.question, "answer": r.answer}) for r in rows]
    (tmp_path / "sums.jsonl").write_text("\n".join(lines))
    text = re.sub(
        "sha256: .*",
        f"sha256: {hashlib.sha256(canonical_bytes(rows)).hexdigest()}",
        task.read_text(),
    )
    task.write_text(text)

    with GraderPool("math") as pool:
        found = validate_task(load_task(str(task)), pool)

    assert [problem.id for problem, _ in found.failures] == ["1"]


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "answer"),
    [
        ("aime25_nemo_with_solutions.jsonl", "expected_answer"),
        ("aime25_opencompass_columns.jsonl", "answer"),
    ],
)
def test_aime25_agrees_with_other_copies(file: str, answer: str, shared_data: Path) -> None:
    """Another project's copy has the same 30 answers, in the same order."""
    others = [int(row[answer]) for row in jsonl(shared_data / "math" / "extra" / file)]

    ours = [int(p.target.text) for p in load_task("aime25").problems(shared_data / "math")]

    assert ours == others


@pytest.mark.data
def test_aime24_agrees_with_its_own_solutions(shared_data: Path) -> None:
    """The last boxed number of a published solution is the problem's answer.

    There is no second copy of AIME 2024 at hand; the solutions are a column that no task reads.
    """
    rows = jsonl(shared_data / "math" / "aime24.jsonl")
    boxed = [re.findall(r"\\boxed\{(?:\\textbf\{)?\(?0*(\d+)", row["solution"]) for row in rows]
    pairs = zip(boxed, load_task("aime24").problems(shared_data / "math"), strict=True)
    checked = [(int(found[-1]), int(p.target.text)) for found, p in pairs if found]

    assert len(checked) == 28  # the solutions of problems 60 and 88 box nothing
    assert all(solution == answer for solution, answer in checked)


@pytest.mark.data
def test_amc23_is_a_part_of_the_set_of_83(shared_data: Path) -> None:
    """All 40 problems stand, with the same answers, among the 83 of AMC 12 of 2022 and 2023."""

    def letters(text: str) -> str:
        return re.sub(r"[^a-z0-9]", "", text.lower())[:60]

    others = {
        letters(row["question"]): float(row["answer"])
        for row in jsonl(shared_data / "math" / "extra" / "aimo_validation_amc.jsonl")
    }

    ours = {
        letters(p.messages[0]["content"].partition("\nPlease reason")[0]): float(p.target.text)
        for p in load_task("amc23").problems(shared_data / "math")
    }

    assert len(ours) == 40
    assert {start: others.get(start) for start in ours} == ours
