"""Reward servers that fail: what passes, what does not, who is asked next, and never a score for it."""

import logging
import re
import time
from threading import Event

import pytest
from scripted_server import (
    Reply,
    after,
    always,
    answer,
    cut,
    graded,
    half,
    score,
    scripted,
    status,
    submit,
)

from evalkit.graders.addresses import Servers
from evalkit.graders.remote import RemotePool
from evalkit.types import (
    RewardServerError,
    UsageError,
)


@pytest.mark.parametrize(
    "failure",
    [
        *(status(code) for code in (408, 429, 502, 503, 504)),
        answer("<html>Bad Gateway</html>", 502, "text/html"),
        cut,
        half,
    ],
    ids=["408", "429", "502", "503", "504", "proxy", "cut", "half"],
)
def test_a_failure_that_passes_is_not_noticed(failure: Reply) -> None:
    """But for the time that it takes, and a line in the log."""
    with scripted(failure) as server, RemotePool([server.url]) as pool:
        assert score(pool) == 1.0
        assert len(server.requests) == 2


def test_an_answer_that_does_not_come_is_asked_for_again() -> None:
    never = Event()
    with scripted(after(never)) as server, RemotePool([server.url], timeout_s=0.2) as pool:
        assert score(pool) == 1.0
        assert len(server.requests) == 2
        never.set()


def test_a_server_is_left_alone_for_as_long_as_it_asks() -> None:
    with (
        scripted(status(429, Retry_After="1")) as server,
        RemotePool([server.url]) as pool,
    ):
        assert score(pool) == 1.0
        assert server.times[1] - server.times[0] >= 1


def test_the_next_server_is_asked_first() -> None:
    """Without a pause; one that failed has a rest."""
    with (
        scripted(*always(status(503, Retry_After="60"))) as broken,
        scripted() as sound,
        RemotePool([broken.url, sound.url]) as pool,
    ):
        assert [score(pool) for _ in range(8)] == [1.0] * 8
        assert len(broken.requests) == 1


def test_servers_are_taken_in_turn() -> None:
    with (
        scripted() as first,
        scripted() as second,
        RemotePool([f"{first.url}/,{second.url}"]) as pool,
    ):
        assert [score(pool) for _ in range(8)] == [1.0] * 8
        assert len(first.requests) == len(second.requests) == 4


def test_a_server_that_stays_away_is_an_error() -> None:
    """It names the servers and the last failure; there is no score."""
    with scripted() as server:
        gone = server.url
    with RemotePool([gone], patience_s=0.5) as pool:
        future = submit(pool)
        with pytest.raises(RewardServerError, match=f"no answer from {gone} within 0.5 s; at last"):
            future.result()


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (status(401, "no"), "HTTP 401: no; the token, .* EVALKIT_TOKEN, is not set$"),
        (status(404, "no /x/grade"), "HTTP 404: no /x/grade; the address must be that of `evalkit"),
        (answer("<html>None</html>", 404, "text/html"), "HTTP 404: '<html>.*; the address must"),
        (answer("<html>No!</html>", 403, "text/html"), "HTTP 403: '<html>.*; the address must"),
        (answer("<html>Hi</html>", 200, "text/html"), "gave no grades, but '<html>.*the address"),
        (status(422, "no such field", "items[0].x"), r"HTTP 422: no such field \(items\[0\].x\)$"),
        (status(500, "a bug"), "HTTP 500: a bug$"),
        (answer({"grades": []}), "did not give 1 grades, one an item"),
        (answer({"rewards": [1.0]}), "gave no grades, but"),
        (answer({"grades": [{"verdict": "correct", "score": None}]}), "not a grade: .*KeyError"),
        (answer({"grades": [0.0]}), "not a grade: 0.0"),
    ],
    ids=["401", "404", "site", "proxy", "other", "422", "500", "fewer", "keys", "fields", "number"],
)
def test_what_does_not_pass_is_an_error_at_once(reply: Reply, message: str) -> None:
    """It says what to do."""
    with scripted(reply) as server, RemotePool([server.url]) as pool:
        with pytest.raises(RewardServerError, match=message):
            submit(pool).result()
        assert len(server.requests) == 1


def test_the_token_is_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the server repeats it."""
    monkeypatch.setenv("EVALKIT_TOKEN", "of-the-environment")
    with (
        scripted(status(401, "wrong: Bearer secret")) as server,
        RemotePool([server.url], token="secret") as pool,
    ):
        with pytest.raises(RewardServerError, match=r"wrong: Bearer \*\*\*; .* was sent$"):
            submit(pool).result()
        assert server.headers[0]["Authorization"] == "Bearer secret"
    with scripted() as server, RemotePool([server.url]) as pool:
        assert score(pool) == 1.0
        assert server.headers[0]["Authorization"] == "Bearer of-the-environment"


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("127.0.0.1:8000", None),
        ("ftp://host", None),
        ("http://", None),
        ("http://host:99999", None),
        ("http://host/?task=a", None),
        ("http://evalkit:secret@host", None),
        ("http://host", "secret\n secret"),
        (" , ", None),
    ],
)
def test_what_is_no_address_or_token_is_an_error(url: str, token: str | None) -> None:
    """Before anything is graded, and without showing a password."""
    with pytest.raises(UsageError, match=r"http://HOST:PORT|holds no token") as error:
        RemotePool([url], token=token)
    assert "secret" not in str(error.value)


def test_a_rest_grows_until_the_server_works() -> None:
    """By chance it is up to a half shorter."""
    servers = Servers(["http://a"])

    def failed() -> float:
        """For how long it rests, which is over when this returns."""
        rest_s = servers.failed("http://a")
        assert servers.failed("http://a") == 0  # found by another thread at the same time
        time.sleep(servers.choose()[1])
        return rest_s

    assert 0.25 <= failed() <= 0.5
    assert 0.5 <= failed() <= 1
    servers.worked("http://a")
    assert 0.25 <= failed() <= 0.5


def test_a_server_that_works_again_is_trusted_again(caplog: pytest.LogCaptureFixture) -> None:
    """Its failures before do not make the next rest longer."""
    replies = (status(503), graded) * 3
    with (
        caplog.at_level(logging.WARNING),
        scripted(*replies) as server,
        RemotePool([server.url]) as pool,
    ):
        assert [score(pool) for _ in range(3)] == [1.0] * 3

    rests = re.findall(r"left alone for ([\d.]+) s", caplog.text)
    assert len(rests) == 3
    assert max(map(float, rests)) <= 0.5


def test_a_check_finds_out_whether_a_server_answers() -> None:
    """One of several is enough; none is an error at once, and so is a refusal."""
    with scripted() as server:
        gone = server.url
    with scripted(graded, status(401)) as server:
        RemotePool([gone, server.url]).check()
        with pytest.raises(RewardServerError, match="HTTP 401"):
            RemotePool([server.url]).check()
    with pytest.raises(RewardServerError, match=f"no answer from {gone} within 0 s; at last"):
        RemotePool([gone]).check()
