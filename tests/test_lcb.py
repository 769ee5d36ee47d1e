"""LiveCodeBench's windows over the hub's files or a file of one's own, and its errata."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.code_data import lcb, releases
from evalkit.code_data.errata import ErratumKind, errata
from evalkit.code_data.lcb import LcbSource
from evalkit.code_data.releases import ReleaseFile, Releases, Window, needed_files
from evalkit.importing import import_file
from evalkit.plan import make_plan
from evalkit.spec import RunSpec
from evalkit.task import Task, load_protocol, load_task, parse_tasks
from evalkit.teststore import Store
from evalkit.types import CodeTests, DataError, UsageError
from evalkit.validation import validate_task

PUBLIC = "lcb_release_v6_public_only.jsonl"
RECOVERED = "lcb_release_v6_recovered_private.jsonl"
LEETCODE = "lcb_leetcode_thirdparty_private.jsonl"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EVALKIT_DATA", raising=False)


@pytest.fixture(scope="session")
def real(shared_data: Path) -> Path:
    return shared_data / "livecodebench"


def row(
    problem_id: str, date: str, *, num_tests: int = 1, fn_name: str | None = None
) -> dict[str, str]:
    tests = [{"input": str(k), "output": str(k), "testtype": "stdin"} for k in range(num_tests)]
    return {
        "question_title": f"title of {problem_id}",
        "question_content": f"Echo, says {{problem}} {problem_id} {{starter}}.",
        "platform": "leetcode" if fn_name else "atcoder",
        "question_id": problem_id,
        "contest_id": "c",
        "contest_date": date if "T" in date else f"{date}T00:00:00",
        "starter_code": f"class Solution:\n    def {fn_name}(self):\n        " if fn_name else "",
        "difficulty": "easy",
        "public_test_cases": json.dumps(tests),
        "private_test_cases": "[]",
        "metadata": json.dumps({"func_name": fn_name} if fn_name else {}),
    }


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


ROWS = [
    [row("b", "2024-01-05"), row("a", "2024-01-01")],
    [row("d", "2024-02-01"), row("c", "2024-02-01T06:30", fn_name="echo")],
    [row("e", "2024-03-01")],
]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with the first three files of a hub whose sums are pinned.

    As of the real one there are six; the others have no problem before 2029.
    """
    folder = tmp_path / "data"
    folder.mkdir()
    files = []
    for number, rows in enumerate(ROWS, 1):
        path = write(folder / f"test{number}.jsonl", rows)
        dates = sorted(one["contest_date"] for one in rows)
        files.append(
            ReleaseFile(
                name=path.name,
                num_problems=len(rows),
                size=path.stat().st_size,
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                first=dates[0],
                last=dates[-1],
            )
        )
    later = replace(files[-1], first="2029-01-01T00:00:00", last="2029-01-01T00:00:00")
    files += [replace(later, name=f"test{number}.jsonl", num_problems=0) for number in (4, 5, 6)]
    ids = "\n".join(one["question_id"] for rows in ROWS for one in rows)
    found = Releases(
        hub="owner/set",
        revision="0" * 40,
        ids_sha256=hashlib.sha256(ids.encode()).hexdigest(),
        files=tuple(files),
    )
    for module in (releases, lcb):
        monkeypatch.setattr(module, "releases", lambda: found)
    return folder


def ids(source: LcbSource, data_dir: Path | None = None) -> list[str]:
    return [one.id for one in source.load("t", data_dir).rows]


@pytest.mark.parametrize(
    ("release", "start", "end", "expected"),
    [
        ("v3", None, None, "abcde"),
        ("v2", None, None, "abcd"),
        ("v1", None, None, "ab"),
        ("v3", "2024-01-05", None, "bcde"),
        ("v3", "2024-01-05", "2024-02-01", "bd"),
        ("v3", "2024-02-01", "2024-02-02", "cd"),
        ("v3", "2024-02-01", "2024-02-01", "d"),
    ],
)
def test_windows_take_days_of_a_release(
    hub: Path, release: str, start: str | None, end: str | None, expected: str
) -> None:
    """The first files of the hub; both ends inclusive at midnight; sorted by id."""
    assert "".join(ids(LcbSource(release=release, start=start, end=end), hub)) == expected


def test_only_files_that_the_window_needs_are_read(hub: Path) -> None:
    """The others need not be there."""
    (hub / "test1.jsonl").unlink()
    (hub / "test3.jsonl").unlink()

    assert ids(LcbSource(release="v3", start="2024-01-06", end="2024-02-20"), hub) == ["c", "d"]


def test_the_shipped_windows_need_few_of_the_real_files() -> None:
    """lcb_v6 lies in the last file, lcb_v5 in three."""
    v6, v5 = Window("2025-02-01", "2025-05-01"), Window("2024-08-01", "2025-02-01")

    assert [one.name for one in needed_files("v6", v6)] == ["test6.jsonl"]
    assert [one.name for one in needed_files("v5", v5)] == [f"test{k}.jsonl" for k in (3, 4, 5)]


def test_the_real_files_are_pinned() -> None:
    """Numbers of problems, sizes and sums; release_v6 has 1055 problems."""
    files = releases.releases().files

    assert [one.num_problems for one in files] == [400, 111, 101, 101, 167, 175]
    assert sum(one.size for one in files) == 4_485_994_821
    assert {len(one.sha256) for one in files} == {64}
    assert len({one.sha256 for one in files}) == 6


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text + "\n", r"test3\.jsonl: expected \d+ bytes, found"),
        (lambda text: text.replace("Echo", "echo"), "expected the sha256 .*, found"),
    ],
)
def test_a_file_that_is_not_the_hub_s_is_refused(
    hub: Path, damage: Callable[[str], str], message: str
) -> None:
    """What was expected, what was found, and where files of one's own go."""
    path = hub / "test3.jsonl"
    path.write_text(damage(path.read_text()))

    with pytest.raises(DataError, match=f"{message}.*A file of your own is given with --problems"):
        ids(LcbSource(release="v3"), hub)


def test_an_absent_file_is_named_with_the_command_that_writes_it(hub: Path) -> None:
    """A directory that the user named is not silently left."""
    (hub / "test3.jsonl").unlink()

    with pytest.raises(DataError) as error:
        ids(LcbSource(release="v3"), hub)

    assert str(error.value) == (
        f"{hub} (named by --data-dir) has no file test3.jsonl; "
        f"`evalkit data fetch --to {hub}` writes it"
    )


def test_a_window_without_a_problem_is_an_error(hub: Path) -> None:
    """An empty benchmark has no score."""
    with pytest.raises(DataError, match=r"t: no problem has a contest date in 2030-01-01\.\."):
        ids(LcbSource(release="v6", start="2030-01-01"), hub)


def test_another_number_of_problems_is_an_error(hub: Path) -> None:
    """Expected and found."""
    with pytest.raises(DataError, match="t: expected 6 problems, found 5"):
        ids(LcbSource(release="v3", num_problems=6), hub)


def bound(path: Path, **values: Any) -> Task:
    task = replace(load_task("lcb_v6"), data=LcbSource(**{"release": "v3", **values}))
    return task.bound(path)


def test_a_file_of_one_s_own_stands_in_for_the_hub(hub: Path, tmp_path: Path) -> None:
    """Its window applies, and what was found becomes the pin; the tests are said to be others."""
    path = write(tmp_path / "mine.jsonl", [row("x", "2024-01-01", num_tests=2), *ROWS[2]])

    task = bound(path, start="2024-01-02", num_problems=4, sha256="0")

    assert [one.id for one in task.problems()] == ["e"]
    assert task.data.num_problems == 1
    assert task.notes[0] == "the tests are those of mine.jsonl, not the official ones"
    assert task.data.describe()["file_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_copy_of_all_releases_is_cut_by_release(hub: Path, tmp_path: Path) -> None:
    """In the hub's order the first rows are the first release; any other file is taken by date."""
    rows = [one for part in ROWS for one in part]
    copy = bound(write(tmp_path / "copy.jsonl", rows), release="v1")
    turned = bound(write(tmp_path / "turned.jsonl", rows[::-1]), release="v1")

    assert [one.id for one in copy.problems()] == ["a", "b"]
    assert len(copy.notes) == 1
    assert len(turned.problems()) == 5
    assert "does not hold the problems of all releases in their order" in turned.notes[1]


def test_problems_without_tests_are_an_error_or_left_out_by_choice(
    hub: Path, tmp_path: Path
) -> None:
    """All are named; a choice is needed, and is written down."""
    rows = [*ROWS[0], row("y", "2024-01-01", num_tests=0), row("x", "2024-01-01", num_tests=0)]
    path = write(tmp_path / "mine.jsonl", rows)
    source = LcbSource(problems=path)

    with pytest.raises(DataError, match="there is none for x, y; --skip-untested leaves out such"):
        ids(source)
    loaded = replace(source, skip_untested=True).load("t")
    assert [one.id for one in loaded.rows] == ["a", "b"]
    assert loaded.left_out == {"x": "no tests", "y": "no tests"}
    assert "left out, because there are no tests: x, y" in loaded.notes


def test_problems_say_what_they_are_graded_with(hub: Path) -> None:
    """Function, limit, rule, and the tests by their store and sum; the title is kept for people."""
    task = replace(load_task("lcb_v6"), data=LcbSource(release="v3"), time_limit_s=2.0)

    problem = task.problems(hub)[2]

    assert (problem.id, problem.metadata["title"]) == ("c", "title of c")
    target = problem.target
    assert isinstance(target, CodeTests)
    with Store.open(Path(target.store)) as store:
        assert (target.sha256, target.num_tests) == (store.sha256("c"), 1)
    assert (target.fn_name, target.time_limit_s, target.extraction) == ("echo", 2.0, "last-block")


def test_prompts_are_filled_once(hub: Path) -> None:
    """With starter code or without it; placeholders in the problem stay as they are."""
    task = replace(
        load_task("lcb_v6"),
        data=LcbSource(release="v3"),
        prompt="P {problem}",
        starter_prompt="S {starter}| {problem}",
    )

    texts = [one.messages[0]["content"] for one in task.problems(hub)]

    assert texts[0] == "P Echo, says {problem} a {starter}."
    assert texts[2].startswith("S class Solution:\n    def echo(self):\n        | Echo, says {pro")


def test_other_tests_are_another_identity(hub: Path, tmp_path: Path) -> None:
    """A run that was graded by one file is not continued with another one."""
    plans = []
    for number in (1, 2):
        rows = [row("e", "2024-03-01", num_tests=number)]
        path = write(tmp_path / f"{number}.jsonl", rows)
        spec = RunSpec(model="m", tasks=("lcb@v3",), problems=path)
        plans.append(make_plan(spec).tasks[0].identity())

    first, second = plans
    assert first["data_sha256"] == second["data_sha256"]
    assert first["tests_sha256"] != second["tests_sha256"]


def test_a_task_of_one_s_own_names_its_problems(hub: Path, tmp_path: Path) -> None:
    """A YAML file beside a JSONL in the hub's schema is a benchmark; it may pin what it holds."""
    write(tmp_path / "mine.jsonl", ROWS[1])
    text = (
        "title: Mine\ndescription: Two.\ngrader: code-process\nn: 1\nsampling: {}\n"
        "prompt: '{problem}'\nstarter_prompt: '{problem} {starter}'\n"
        "data: {problems: mine.jsonl, num_problems: 2}\n"
    )
    path = tmp_path / "mine.yaml"
    path.write_text(text)

    assert [one.id for one in load_task(str(path)).problems()] == ["c", "d"]
    path.write_text(text.replace("num_problems: 2", f"sha256: '{'0' * 64}'"))
    with pytest.raises(DataError, match=r"mine: expected sha256 0000.*, found"):
        load_task(str(path)).problems()
    path.write_text(text.replace("num_problems: 2", f"file_sha256: '{'0' * 64}'"))
    with pytest.raises(DataError, match=r"mine: expected file_sha256 0000.*, found"):
        load_task(str(path)).bound(None)
    assert load_task(str(path)).bound(tmp_path / "mine.jsonl").data.num_problems == 2


def evalkit(*words: object, cache: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from evalkit.cli import main; main()", *map(str, words)]
    environment = {
        **os.environ,
        "EVALKIT_CACHE": str(cache),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(cache / "hf"),
        "COLUMNS": "200",
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_a_network_the_offline_way_is_named(tmp_path: Path) -> None:
    """One line with the file, the reason and --data-dir, for each command that needs the data."""
    for words in (["data", "verify"], ["tasks", "validate"], ["data", "fetch"]):
        done = evalkit(*words, "lcb_v6", cache=tmp_path / "c")

        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert done.stderr.startswith("error: cannot load test6.jsonl of livecodebench/code_gen")
        assert "name a directory that holds it with --data-dir" in done.stderr


def test_files_in_the_cache_of_the_hub_s_library_are_used(tmp_path: Path) -> None:
    """Without a network too; what is there has to be the pinned file."""
    found = releases.releases()
    folder = tmp_path / "c/hf/hub" / f"datasets--{found.hub.replace('/', '--')}"
    (folder / "snapshots" / found.revision).mkdir(parents=True)
    (folder / "snapshots" / found.revision / "test6.jsonl").write_text("{}\n")

    done = evalkit("data", "verify", "lcb_v6", cache=tmp_path / "c")

    assert "test6.jsonl: expected 134303240 bytes, found 3; this is not the file of" in done.stderr


def test_outputs_of_other_tools_are_not_imported_into_code_tasks(tmp_path: Path) -> None:
    """The error names the command that grades programs."""
    file = tmp_path / "f.jsonl"
    file.write_text('{"problem_id": "a", "text": "x"}\n')

    with pytest.raises(UsageError, match=r"task lcb_v6 is graded by running programs.*grade-pairs"):
        import_file("jsonl", file, out=tmp_path / "run", task="lcb_v6")
    assert not (tmp_path / "run").exists()


def test_commands_know_code_tasks(tmp_path: Path) -> None:
    """A task of one's own is validated, verified and shown; lists name the shipped ones."""
    write(tmp_path / "mine.jsonl", [*ROWS[1], row("x", "2024-01-01", num_tests=0)])
    path = tmp_path / "mine.yaml"
    path.write_text(
        "title: Mine\ndescription: Two.\ngrader: code-process\nn: 1\nsampling: {}\n"
        "prompt: '{problem}'\nstarter_prompt: '{problem} {starter}'\n"
        "data: {problems: mine.jsonl, skip_untested: true}\n"
    )
    cache = tmp_path / "c"

    validated = evalkit("tasks", "validate", path, cache=cache)
    assert validated.stdout == (
        "mine: 2 problems, data as pinned, 2 tests decoded; a program to grade with them is not "
        "part of the data\n"
    )
    assert "mine: ok, 2 problems, " in evalkit("data", "verify", path, cache=cache).stdout
    assert "left_out:\n  x: no tests" in evalkit("tasks", "show", path, cache=cache).stdout
    shown = evalkit("tasks", "show", "humaneval", cache=cache).stdout
    assert "left_out: the data are not on this machine" in shown
    listed = evalkit("tasks", "list", cache=cache).stdout
    assert all(name in listed for name in ("lcb_v5", "lcb_v6", "humaneval", "mbpp", "lcb-official"))


@pytest.mark.data
@pytest.mark.parametrize("file", [PUBLIC, RECOVERED])
@pytest.mark.parametrize(
    ("request_", "platforms"),
    [
        ("lcb_v5", {"atcoder": 175, "leetcode": 104}),
        ("lcb_v6", {"atcoder": 82, "leetcode": 49}),
        ("lcb@v6@2024-08-01..2025-02-01", {"atcoder": 211, "leetcode": 118}),
    ],
)
def test_windows_are_those_of_the_published_tables(
    real: Path, file: str, request_: str, platforms: dict[str, int]
) -> None:
    """279 problems on release_v5, 329 for the same days on release_v6, and 131."""
    (parsed,) = parse_tasks([request_])
    problems = parsed.task.bound(real / file).problems()

    assert Counter(one.metadata["platform"] for one in problems) == platforms
    assert [one.id for one in problems] == sorted(one.id for one in problems)


@pytest.mark.data
@pytest.mark.parametrize("name", ["lcb_v5", "lcb_v6"])
def test_statements_are_the_pinned_ones(real: Path, name: str) -> None:
    """The sum in the task is that over its statements, whatever tests come with them."""
    for file in (PUBLIC, RECOVERED):
        task = load_task(name)
        assert task.bound(real / file).data.sha256 == task.data.sha256


@pytest.mark.data
def test_problems_at_the_common_midnight_are_in_both_windows(real: Path) -> None:
    """Six problems of ABC 391 are dated 2025-02-01T00:00:00; none of 06:30 is in the earlier one."""
    earlier, later = (
        {one.id for one in parsed.task.bound(real / PUBLIC).problems()}
        for parsed in parse_tasks(["lcb@v6@2024-08-01..2025-02-01", "lcb_v6"])
    )

    assert len(earlier & later) == 6
    assert all(name.startswith("abc391_") for name in earlier & later)


@pytest.mark.data
@pytest.mark.parametrize(("file", "num_tests"), [(PUBLIC, 346), (RECOVERED, 450), (LEETCODE, 4837)])
def test_every_test_of_the_real_files_can_be_read(real: Path, file: str, num_tests: int) -> None:
    """The tests of a task are decoded, counted and compared with their sums."""
    found = validate_task(load_task("lcb_v6").bound(real / file), None)

    assert (found.num_tests, found.failures) == (num_tests, ())


@pytest.mark.data
def test_the_problem_that_has_no_test_is_named(real: Path) -> None:
    """abc350_c alone, of all 1055."""
    task = parse_tasks(["lcb@v6"])[0].task

    with pytest.raises(DataError, match=r"lcb-v6: .* there is none for abc350_c; --skip-untested"):
        task.bound(real / PUBLIC)
    assert len(task.bound(real / PUBLIC, skip_untested=True).problems()) == 1054


# Of the official prompt builder at 28fef95, over the same problems sorted by id: system message and
# user message, joined by NUL. All 1055 were compared one by one.
OFFICIAL_PROMPTS = {
    "lcb-official": "02c53057c2dc40f3c1099a37670ac14dc1d8b1271c7651e1a747c3969e6c9ec7",
    "deepseek-r1": "66e9ea423e1b6992c6b498381a87190897807067a0bce4091d7191b81daea8cf",
}


@pytest.mark.data
@pytest.mark.parametrize("name", OFFICIAL_PROMPTS)
def test_prompts_are_those_of_the_official_runner(real: Path, name: str) -> None:
    """To the last character: styles OpenAIChat, and DeepSeekR1 without the tokens around it."""
    task = parse_tasks(["lcb@v6"])[0].task.bound(real / PUBLIC, skip_untested=True)

    problems = load_protocol(name).apply(task).problems()

    texts = [message["content"] for one in problems for message in one.messages]
    found = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    assert (len(texts), found) == (2 * 1054, OFFICIAL_PROMPTS[name])


def test_errata_are_those_that_the_authors_list() -> None:
    """Eleven with several answers, two dialogues, four with wrong tests."""
    kinds = Counter(one.kind for one in errata().values())

    assert kinds == {
        ErratumKind.SEVERAL_ANSWERS: 11,
        ErratumKind.INTERACTIVE: 2,
        ErratumKind.WRONG_TESTS: 4,
    }
    assert errata()["3308"].detail.startswith("apply-operations-to-make-string-empty")
    assert all(one.problem_id == name and one.source for name, one in errata().items())


@pytest.mark.data
def test_errata_name_problems_of_the_benchmark(real: Path) -> None:
    """Two of them lie in the v5 window, none in v6; LeetCode's titles belong to the ids."""
    with_titles = {
        one["question_id"]: one["question_title"]
        for one in map(json.loads, (real / PUBLIC).read_text().splitlines())
    }
    assert set(errata()) <= set(with_titles)
    for name, one in errata().items():
        if name.isdecimal():
            assert with_titles[name] in one.detail
    inside = {
        name: {one.id for one in load_task(name).bound(real / PUBLIC).problems()} & set(errata())
        for name in ("lcb_v5", "lcb_v6")
    }
    assert inside == {"lcb_v5": {"arc185_c", "arc189_a"}, "lcb_v6": set()}
