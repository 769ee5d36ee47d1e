"""The store of tests: what goes in comes out, nothing is executed, and what it refuses."""

import base64
import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.hubtests import decode_tests
from evalkit.teststore import Case, Store, cached_store, convert, reading, stores_dir, writing
from evalkit.types import DataError

FIELDS = {
    "question_title": "Sum",
    "question_content": "Add the numbers.",
    "platform": "atcoder",
    "question_id": "abc1_a",
    "contest_id": "abc1",
    "contest_date": "2025-02-01T00:00:00",
    "starter_code": "",
    "difficulty": "easy",
    "public_test_cases": "[]",
    "private_test_cases": "[]",
    "metadata": "{}",
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))


def case_list(*pairs: tuple[str, str]) -> str:
    return json.dumps([{"input": a, "output": b, "testtype": "stdin"} for a, b in pairs])


def packed(text: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> str:
    """The hub's way to hold private tests."""
    return wrapped(pickle.dumps(text, protocol))


def wrapped(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps({**FIELDS, **row}) + "\n" for row in rows))
    return path


def stored(tmp_path: Path, *rows: dict[str, Any]) -> Store:
    return Store.open(cached_store(write(tmp_path / "rows.jsonl", *rows)))


def test_public_tests_come_before_private_ones(tmp_path: Path) -> None:
    """In the order in which the official harness takes them."""
    row = {
        "public_test_cases": case_list(("1", "2"), ("3", "4")),
        "private_test_cases": packed(case_list(("5", "6"))),
    }
    with stored(tmp_path, row) as store:
        assert list(store.cases("abc1_a")) == [Case("1", "2"), Case("3", "4"), Case("5", "6")]
        found = store.problem("abc1_a")
    assert (found.num_tests, found.num_public) == (3, 2)


def test_rows_keep_the_hub_s_fields_without_the_tests(tmp_path: Path) -> None:
    """Nothing else is lost, and the order of the file is kept."""
    with stored(tmp_path, {"question_id": "b"}, {"question_id": "a"}) as store:
        assert store.ids() == ["b", "a"]
        tests = ("public_test_cases", "private_test_cases")
        expected = {name: value for name, value in FIELDS.items() if name not in tests}
        assert store.problem("a").fields == {**expected, "question_id": "a"}


TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(public=PAIRS, private=PAIRS, protocol=st.sampled_from(range(6)))
def test_any_text_comes_out_as_it_went_in(
    tmp_path: Path,
    public: list[tuple[str, str]],
    private: list[tuple[str, str]],
    protocol: int,
) -> None:
    """Line ends, NUL, lone surrogates and empty texts; in each version of pickle."""
    hidden = packed(case_list(*private), protocol)
    path = write(
        tmp_path / "rows.jsonl",
        {"public_test_cases": case_list(*public), "private_test_cases": hidden},
    )
    target = tmp_path / "one.sqlite"
    target.unlink(missing_ok=True)
    convert(path, target)

    with Store.open(target) as store:
        assert [(one.input, one.output) for one in store.cases("abc1_a")] == public + private


def test_private_tests_can_be_json_or_packed() -> None:
    """Both forms that the hub has mean the same."""
    text = case_list(("a", "b"))

    assert decode_tests(text, "w") == decode_tests(packed(text), "w") == (Case("a", "b"),)


def test_sha256_tells_any_two_sets_of_tests_apart(tmp_path: Path) -> None:
    """Text that moves from one place to another changes the sum, the place in the file does not."""
    sets = [
        [("a", "b")],
        [("ab", "")],
        [("", "ab")],
        [("a", ""), ("", "b")],
        [("a", "b"), ("a", "b")],
        [],
    ]
    rows = [
        {"question_id": str(number), "private_test_cases": case_list(*pairs)}
        for number, pairs in enumerate(sets)
    ]
    again = {"question_id": "again", "public_test_cases": case_list(("a", "b"))}
    with stored(tmp_path, *rows, again) as store:
        sums = [store.sha256(str(number)) for number in range(len(sets))]
        assert len(set(sums)) == len(sets)
        assert store.sha256("again") == sums[0]


class Command:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (self.path,))


class Named(pickle.Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        return "name" if isinstance(obj, dict) else None


def hostile(tmp_path: Path) -> Iterator[tuple[bytes, str]]:
    yield pickle.dumps(Command(str(tmp_path / "made"))), "STACK_GLOBAL"
    yield pickle.dumps(Command(str(tmp_path / "made")), 0), "GLOBAL"
    yield pickle.dumps(["[]"]), "EMPTY_LIST"
    yield pickle.dumps(b"[]"), "BINBYTES"
    yield pickle.dumps(bytearray(b"[]"), 5), "BYTEARRAY8"
    yield pickle.dumps(10**30), "LONG1"
    yield b"\x80\x04X\x02\x00\x00\x00[]0X\x02\x00\x00\x00[].", "POP"
    yield b"\x82\x01.", "EXT1"
    import io

    stream = io.BytesIO()
    Named(stream).dump({})
    yield stream.getvalue(), "BINPERSID"


def test_a_pickle_of_anything_but_a_text_is_refused_and_not_executed(tmp_path: Path) -> None:
    """The operation that is not admitted is named; none of it is ever carried out."""
    for content, opcode in hostile(tmp_path):
        with pytest.raises(DataError, match=f"the pickle holds .*{opcode}.*; only one text is ad"):
            decode_tests(wrapped(content), "w")

    assert not (tmp_path / "made").exists()


def test_a_pickle_cannot_ask_for_memory() -> None:
    """An entry of 2³¹ in the table of a pickle would take 16 GiB where it is carried out."""
    content = b"\x80\x04X\x02\x00\x00\x00[]r\xff\xff\xff\x7f."

    assert decode_tests(wrapped(content), "w") == ()


@pytest.mark.parametrize(
    ("private", "message"),
    [
        ("abc1_a", "cannot be decoded: neither JSON nor base64 of zlib"),
        ("", "cannot be decoded: the compressed data are cut off"),
        ("é", "cannot be decoded: neither JSON nor base64 of zlib"),
        (base64.b64encode(b"text").decode(), "cannot be decoded: neither JSON nor base64 of zlib"),
        (packed("[]")[:-8], "cannot be decoded: "),
        (wrapped(b""), "cannot be decoded: not a pickle"),
        (wrapped(b"\x80\x04"), "cannot be decoded: not a pickle"),
        (wrapped(b"\x80\x04."), "expected a pickle of one text, found 0"),
        (packed("[]")[:12] + packed("[]"), "cannot be decoded: "),
        (packed("no JSON"), "expected a list of tests: not JSON"),
        (packed("3"), "expected a list of tests, found 3"),
        ("[", "expected a list of tests: not JSON"),
        ("[" * 100_000, "expected a list of tests: not JSON"),
        ('{"input": "a"}', "expected a list of tests, found {"),
        ("[3]", "test 1: expected input and output, found 3"),
        ('[{"input": "a"}]', "test 1: expected output as text, found None"),
        ('[{"input": ["a"], "output": "b"}]', "test 1: expected input as text, found ['a']"),
        ('[{"input": "a", "output": 7}]', "test 1: expected output as text, found 7"),
    ],
    ids=lambda value: value[:30],
)
def test_tests_that_cannot_be_decoded_are_refused(
    tmp_path: Path, private: str, message: str
) -> None:
    """The error names file, line and problem."""
    path = write(tmp_path / "rows.jsonl", {"question_id": "x"}, {"private_test_cases": private})

    with pytest.raises(DataError) as error:
        cached_store(path)

    assert str(error.value).startswith(f"{path}, line 2, problem abc1_a, private_test_cases")
    assert message in str(error.value)


def test_tests_that_would_expand_without_end_are_refused() -> None:
    """No more is expanded than the limit, whatever is behind it."""
    bomb = wrapped(pickle.dumps("[" + " " * 10_000_000))
    tracemalloc.start()
    with pytest.raises(DataError, match="w: larger than 1000 bytes when expanded"):
        decode_tests(bomb, "w", max_bytes=1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question_id": 7}, "line 1: expected a question_id, found 7"),
        ({"question_id": " "}, "line 1: expected a question_id, found ' '"),
        ({"metadata": {}}, "line 1, problem abc1_a: expected metadata as text, found {}"),
        ({"metadata": "[]"}, "problem abc1_a: expected metadata as a JSON object, found []"),
        ({"metadata": "x"}, "problem abc1_a, metadata: expected a JSON object: not JSON"),
        ({"metadata": '{"func_name": 3}'}, "expected func_name as the name of a function, found 3"),
        ({"metadata": '{"func_name": "a b"}'}, "func_name as the name of a function, found 'a b'"),
        ({"contest_date": "soon"}, "expected contest_date as 2025-02-01T00:00:00, found 'soon'"),
        ({"question_content": "\n"}, "problem abc1_a: question_content is empty"),
        ({"starter_code": None}, "problem abc1_a: expected starter_code as text, found None"),
    ],
)
def test_fields_that_are_not_as_the_hub_s_are_refused(
    tmp_path: Path, row: dict[str, Any], message: str
) -> None:
    """The field, what it should be and what it is."""
    with pytest.raises(DataError) as error:
        stored(tmp_path, row)

    assert message in str(error.value)


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_of_the_hub_is_needed(tmp_path: Path, name: str) -> None:
    """A row without one of the eleven is named."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({key: value for key, value in FIELDS.items() if key != name}))

    with pytest.raises(DataError, match=rf"rows\.jsonl, line 1.*expected (a )?{name}.*found"):
        cached_store(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a"', "line 1: expected a question_id, found None"),
        (b"\n\n[]\n", "line 3: expected a JSON object, found"),
        (b"text", "line 1: expected a JSON object: not JSON"),
        (b"\xff\xfe", "line 1: expected a JSON object: not JSON"),
    ],
)
def test_a_file_that_is_not_json_lines_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """The line is named."""
    (tmp_path / "rows.jsonl").write_bytes(content)

    with pytest.raises(DataError) as error:
        cached_store(tmp_path / "rows.jsonl")

    assert message in str(error.value)


def test_a_double_id_is_refused(tmp_path: Path) -> None:
    """Both rows are named."""
    with pytest.raises(
        DataError, match="line 2, problem abc1_a: the id was there before, in row 1"
    ):
        stored(tmp_path, {}, {})


def test_an_absent_source_is_an_error(tmp_path: Path) -> None:
    """The path is named, and that of a directory."""
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(DataError, match=r"cannot read .*folder\.jsonl: Is a directory"):
        cached_store(tmp_path / "folder.jsonl")
    with pytest.raises(DataError, match=r"cannot read .*none\.jsonl: No such file"):
        cached_store(tmp_path / "none.jsonl")


def test_a_failed_conversion_leaves_nothing(tmp_path: Path) -> None:
    """Neither a store nor a part of one, and after a repair it works."""
    path = write(tmp_path / "rows.jsonl", {}, {"question_id": "b", "metadata": "x"})
    with pytest.raises(DataError):
        cached_store(path)
    assert [one.suffix for one in stores_dir().iterdir()] == [".lock"]

    write(path, {}, {"question_id": "b"})
    with Store.open(cached_store(path)) as store:
        assert store.ids() == ["abc1_a", "b"]


def test_a_store_is_made_once(tmp_path: Path) -> None:
    """The second opening does not convert again."""
    path = write(tmp_path / "rows.jsonl", {})
    first = cached_store(path)
    changed = first.stat().st_mtime_ns

    assert cached_store(path) == first
    assert first.stat().st_mtime_ns == changed


def test_the_path_of_a_store_holds_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written into run directories: a relative EVALKIT_CACHE is made absolute."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_CACHE", "here")

    assert cached_store(write(tmp_path / "rows.jsonl", {})).parent == tmp_path / "here" / "stores"


def test_a_changed_source_makes_another_store(tmp_path: Path) -> None:
    """The earlier store stays as it is, for runs that name it."""
    path = write(tmp_path / "rows.jsonl", {})
    first = cached_store(path)
    write(path, {"question_id": "other"})
    second = cached_store(path)

    with Store.open(first) as old, Store.open(second) as new:
        assert (old.ids(), new.ids()) == (["abc1_a"], ["other"])


def test_another_version_makes_another_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store of an earlier evalkit is not read, and what to do is said."""
    path = write(tmp_path / "rows.jsonl", {})
    first = cached_store(path)
    for module in (reading, writing):
        monkeypatch.setattr(module, "STORE_VERSION", 2)

    assert cached_store(path) != first
    with pytest.raises(DataError, match="of version 1, but this evalkit reads version 2; load the"):
        Store.open(first)


def test_a_store_says_what_it_was_made_from(tmp_path: Path) -> None:
    """Name, size and sha256 of the source, the number of problems, and the version."""
    import hashlib

    path = write(tmp_path / "rows.jsonl", {}, {"question_id": "b"})
    with Store.open(cached_store(path)) as store:
        assert store.meta == {
            "source": "rows.jsonl",
            "source_size": str(path.stat().st_size),
            "source_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "num_problems": "2",
            "version": "1",
        }


@pytest.mark.parametrize("content", [b"", b"text" * 3000, None])
def test_what_is_no_store_is_named(tmp_path: Path, content: bytes | None) -> None:
    """A file of another kind and an absent one."""
    path = tmp_path / "odd.sqlite"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(DataError, match=r"odd\.sqlite"):
        Store.open(path)


def test_a_damaged_test_is_an_error(tmp_path: Path) -> None:
    """Never an empty test."""
    path = cached_store(
        write(tmp_path / "rows.jsonl", {"public_test_cases": case_list(("a", "b"))})
    )
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE test SET input = x'00'")
    connection.close()

    with Store.open(path) as store, pytest.raises(DataError, match="is damaged"):
        list(store.cases("abc1_a"))


def test_an_unknown_problem_is_named(tmp_path: Path) -> None:
    """For each way to ask."""
    with stored(tmp_path, {}) as store:
        for ask in (store.problem, store.sha256, lambda name: list(store.cases(name))):
            with pytest.raises(DataError, match="has no problem 'x'"):
                ask("x")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own error for it, here from a limit on the size of the file."""
    limit = " PRAGMA max_page_count = 5;"
    monkeypatch.setattr(writing, "_FAST_WRITES", writing._FAST_WRITES + limit)
    noise = base64.b64encode(os.urandom(100_000)).decode()
    path = write(tmp_path / "rows.jsonl", {"public_test_cases": case_list((noise, "b"))})

    with pytest.raises(DataError, match=r"no space left on the disk while writing .*EVALKIT_CACHE"):
        cached_store(path)
    assert [one.suffix for one in stores_dir().iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file stands where the directory should be."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "file"))

    with pytest.raises(DataError, match=r"cannot write .*file/stores"):
        cached_store(write(tmp_path / "rows.jsonl", {}))


def run_python(code: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE)


def test_a_killed_conversion_is_done_again(tmp_path: Path) -> None:
    """What a process that was killed in the middle left is not taken for a store."""
    path = write(tmp_path / "rows.jsonl", {}, {"question_id": "b"})
    code = """
import os, signal, sys
from pathlib import Path
from evalkit import teststore, wholefile
def killed(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
wholefile.sync = killed
teststore.cached_store(Path(sys.argv[1]))
"""
    killed = run_python(code, path)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert any(one.suffix == ".part" for one in stores_dir().iterdir())

    with Store.open(cached_store(path)) as store:
        assert len(store.ids()) == 2
    assert not any(one.suffix == ".part" for one in stores_dir().iterdir())


def test_two_processes_may_convert_the_same_file(tmp_path: Path) -> None:
    """Each ends with the whole store, and there is one."""
    rows = [
        {"question_id": str(number), "private_test_cases": packed(case_list(("a" * 9999, "b")))}
        for number in range(300)
    ]
    path = write(tmp_path / "rows.jsonl", *rows)
    code = """
import sys
from pathlib import Path
from evalkit.teststore import Store, cached_store
print(len(Store.open(cached_store(Path(sys.argv[1]))).ids()))
"""
    started = [run_python(code, path) for _ in range(3)]

    assert [one.communicate(timeout=60)[0].strip() for one in started] == ["300"] * 3
    assert len(list(stores_dir().glob("*.sqlite"))) == 1


def test_threads_may_share_a_store(tmp_path: Path) -> None:
    """Each gets the tests of its problem, also while others read."""
    rows = [
        {
            "question_id": str(number),
            "public_test_cases": case_list(*((f"{number} {k}", str(k)) for k in range(20))),
        }
        for number in range(40)
    ]
    with stored(tmp_path, *rows) as store, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda name: list(store.cases(name)), store.ids() * 5))

    for number, cases in enumerate(found):
        assert cases == [Case(f"{number % 40} {k}", str(k)) for k in range(20)]


def test_one_test_is_in_memory_at_a_time(tmp_path: Path) -> None:
    """Going through 20 tests of 4 MB takes the memory of a few; converting, that of one problem."""
    pairs = [("x" * 4_000_000, str(number)) for number in range(20)]
    rows = [{"question_id": str(k), "private_test_cases": packed(case_list(*pairs))} for k in "ab"]
    path = cached_store(write(tmp_path / "rows.jsonl", *rows))
    with Store.open(path) as store:
        tracemalloc.start()
        lengths = [len(case.input) for case in store.cases("b")]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert lengths == [4_000_000] * 20
    assert peak < 20_000_000
