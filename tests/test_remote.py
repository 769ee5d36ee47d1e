"""Grading on reward servers: what is sent, and that the grades are those in process."""

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_server import PROBLEM, Handler, score, scripted
from serving import serving

from evalkit.graders.pool import GraderPool
from evalkit.graders.remote import RemotePool
from evalkit.grading import sample_of
from evalkit.teststore import Store, convert
from evalkit.types import (
    Answer,
    CodeTests,
    DataError,
    InlineTests,
    Problem,
    Target,
    UsageError,
)


def test_a_pool_needs_a_grader_that_exists() -> None:
    with pytest.raises(UsageError, match="unknown grader 'maths'; known: archer2"):
        RemotePool(["http://host"], "maths")


def test_a_server_with_other_rules_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """The scores may differ from those in process."""

    def other(handler: Handler, body: dict[str, Any]) -> None:
        grades = [{**FIELDS, "profile": "math-v0"} for _ in body["items"]]
        handler.send(200, {"grades": grades})

    with (
        caplog.at_level(logging.WARNING),
        scripted(other, other) as server,
        RemotePool([server.url]) as pool,
    ):
        assert [score(pool), score(pool)] == [0.0, 0.0]
    assert caplog.text.count("grades by the rules math-v0") == 1


FIELDS = {
    "verdict": "wrong",
    "score": 0,
    "extracted": None,
    "span": None,
    "rule": "",
    "detail": "",
    "seconds": 0,
}


INLINE = InlineTests(inputs=("1",), outputs=("2",))


@pytest.mark.parametrize(("target", "grader"), [(INLINE, "math"), (Answer("1"), "code")])
def test_a_target_that_the_grader_cannot_use_is_an_error(target: Target, grader: str) -> None:
    """As in the pools in process; nothing is sent."""
    with (
        RemotePool(["http://127.0.0.1:1"], grader) as pool,
        pytest.raises(UsageError, match="cannot use"),
    ):
        pool.submit(Problem("1", (), target), sample_of("1"))


@pytest.fixture
def stored(tmp_path: Path, hub_row: Callable[..., dict[str, str]]) -> CodeTests:
    (tmp_path / "rows.jsonl").write_text(json.dumps(hub_row("a", ("1", "2"), ("3", "4"))) + "\n")
    convert(tmp_path / "rows.jsonl", tmp_path / "store")
    with Store.open(tmp_path / "store") as store:
        sha256 = store.sha256("a")
    return CodeTests(
        store=str(tmp_path / "store"), problem_id="a", num_tests=2, sha256=sha256, time_limit_s=3.0
    )


def sent_for(tests: CodeTests, task: str) -> dict[str, Any]:
    """The item that the server got."""
    with scripted() as server, RemotePool([server.url], "code") as pool:
        pool.grade(Problem("a", (), tests), replace(sample_of("1"), task=task))
    item: dict[str, Any] = server.requests[0]["items"][0]
    return item


def test_stored_tests_are_named_where_they_belong_to_a_task(stored: CodeTests) -> None:
    item = sent_for(replace(stored, store="/nowhere"), "lcb")

    assert (item["task"], item["problem_id"]) == ("lcb", "a")
    assert (item["tests_sha256"], item["grader"]) == (stored.sha256, "code")
    assert "target" not in item


def test_stored_tests_of_no_task_are_sent(stored: CodeTests) -> None:
    """As they are in the store; others than those that the problem names are an error."""
    assert sent_for(stored, "")["target"] == {
        "inputs": ["1", "3"],
        "outputs": ["2", "4"],
        "fn_name": None,
        "time_limit_s": 3.0,
        "extraction": "last-block",
    }
    with pytest.raises(DataError, match="are not those"):
        sent_for(replace(stored, sha256="ab"), "")


@pytest.fixture(scope="module")
def real() -> Iterator[tuple[RemotePool, GraderPool]]:
    """The same grader on a server and here."""
    with (
        serving() as server,
        RemotePool([server.url]) as remote,
        GraderPool(num_workers=1) as local,
    ):
        yield remote, local


ANSWERS = st.sampled_from(["1/2", "0.5", "2^{-1}", "x+1", "\\frac{1}{2}", "\ud800", "0.5000001"])
TEXTS = st.builds("{}\\boxed{{{}}}{}".format, st.sampled_from(["", "<think>"]), ANSWERS, st.text())


@settings(deadline=None)  # a busy machine may take its time
@given(
    TEXTS | st.text(st.characters(codec=None)), st.booleans(), st.sampled_from(["stop", "length"])
)
def test_a_server_gives_the_grades_that_are_given_here(
    real: tuple[RemotePool, GraderPool], text: str, opened: bool, finish_reason: str
) -> None:
    """Field by field, but for the time that it took."""
    sample = replace(sample_of(text), thinking_opened=opened, finish_reason=finish_reason)
    problem = Problem("1", (), Answer("0.5", rel_tolerance=1e-6))
    remote, local = (pool.grade(problem, sample) for pool in real)

    assert replace(remote, seconds=0) == replace(local, seconds=0)


def test_many_threads_get_their_own_grades(real: tuple[RemotePool, GraderPool]) -> None:
    """In their order, whatever they were sent with."""
    texts = [rf"\boxed{{{i}/2}}" for i in range(640)]
    with ThreadPoolExecutor(64) as threads:
        found = list(threads.map(lambda text: real[0].grade(PROBLEM, sample_of(text)), texts))

    assert [one.extracted for one in found] == [f"{i}/2" for i in range(640)]
    assert [one.score for one in found] == [float(i == 2) for i in range(640)]
