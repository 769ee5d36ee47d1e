"""What stands in front of all endpoints: the token, bodies of any size and pace, clients that go away."""

import asyncio
import base64
import hmac
import logging
from pathlib import Path
from typing import Any

import pytest
from asgi import Call, post

from evalkit.server import guard
from evalkit.server.app import create_app
from evalkit.server.errors import RequestError
from evalkit.server.guard import Guard, Message, Receive, Scope, Send, check_token
from evalkit.server.service import Service
from evalkit.server.spec import ServeSpec

TOKEN = "s3cret-Token_1"
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _no_token_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALKIT_TOKEN", raising=False)


def service_of(**fields: Any) -> Service:
    """Without its pools, which nothing here needs."""
    return Service(ServeSpec(**fields))


class Echo:
    """An application that answers with the body, and can be told to wait before."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.num_under_way = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.num_under_way += 1
        try:
            self.bodies.append(bytes((await receive())["body"]))
            await self.may_answer.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": self.bodies[-1]})
        finally:
            self.num_under_way -= 1


def metric(service: Service, start: str) -> float:
    lines = service.metrics.text().decode().splitlines()
    return sum(float(one.rpartition(" ")[2]) for one in lines if one.startswith(start))


# --- the token


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {TOKEN}",
        f"bearer {TOKEN}",
        f"Bearer  {TOKEN} ",
        basic("evalkit", TOKEN),
        basic("", TOKEN),
        basic("ü", TOKEN),
    ],
)
def test_the_token_lets_in(header: str) -> None:
    """As a bearer token, or as the password of any user."""
    check_token(header.encode(), TOKEN)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.lower()}",
        f"Bearer {TOKEN} {TOKEN}",
        f"Bearer ü{TOKEN}",
        f"Token {TOKEN}",
        f"Basic {TOKEN}",
        "Basic ",
        "Basic ====",
        "Basic ü",
        basic(TOKEN, ""),
        basic("evalkit", TOKEN[:-1]),
        basic("evalkit", f":{TOKEN}"),
        "Basic " + base64.b64encode(TOKEN.encode()).decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Bearer " + "x" * 100_000,
    ],
)
def test_nothing_else_lets_in(header: str) -> None:
    """And the error says what is needed, and nothing of the token."""
    with pytest.raises(RequestError) as found:
        check_token(header.encode(), TOKEN)

    assert (found.value.status, found.value.where) == (401, "Authorization")
    assert "Authorization: Bearer TOKEN" in str(found.value)
    assert TOKEN not in str(found.value)


def test_without_a_token_every_header_will_do() -> None:
    """A client may send one to a server that needs none."""
    for header in (b"", b"Bearer x", b"\xff"):
        check_token(header, None)


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a wrong token takes says nothing of how much of it is right."""
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def record(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return bool(compare(one, other))

    monkeypatch.setattr(hmac, "compare_digest", record)
    check_token(f"Bearer {TOKEN}".encode(), TOKEN)

    assert compared == [(TOKEN.encode(), TOKEN.encode())]


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/grade", "POST"),
        ("/grade/stream", "POST"),
        ("/metrics", "GET"),
        ("/docs", "GET"),
        ("/openapi.json", "GET"),
        ("/nothing", "GET"),
        ("/health/x", "GET"),
        ("//health", "GET"),
    ],
)
def test_all_but_health_needs_the_token(token_file: Path, path: str, method: str) -> None:
    """Who has none does not learn what there is; the body is not read."""

    async def check() -> None:
        app = create_app(service_of(token_file=token_file))
        call = Call(app, path, method=method)
        call.write(b"part")
        status, answer = await call.end()

        assert status == 401
        assert answer.keys() == {"error", "where"}
        assert call.headers["www-authenticate"].startswith('Bearer realm="evalkit"')
        assert call.num_waiting >= 1

    asyncio.run(check())


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_balancers_need_no_token(token_file: Path, path: str) -> None:
    """They say no more than what the server was started with."""

    async def check() -> None:
        call = Call(create_app(service_of(token_file=token_file)), path, method="GET")
        call.write(b"", is_last=True)
        status, _ = await call.end()
        assert status == 200

    asyncio.run(check())


# --- bodies


def test_a_body_comes_in_parts() -> None:
    """The application sees it whole."""

    async def check() -> None:
        echo = Echo()
        call = Call(Guard(echo, service_of()), "/grade")
        for part in (b"one ", b"", b"two"):
            call.write(part)
        call.write(b"", is_last=True)
        assert await call.end() == (200, b"one two")

    asyncio.run(check())


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    """100 MB are refused before the first byte."""

    async def check() -> None:
        echo = Echo()
        headers = {"content-length": str(100_000_000)}
        call = Call(Guard(echo, service_of(max_body_mib=1)), "/grade", headers=headers)
        call.write(b"x")
        status, answer = await call.end()

        assert status == 413
        assert "1,048,576 bytes" in answer["error"]
        assert call.num_waiting >= 1
        assert echo.bodies == []

    asyncio.run(check())


@pytest.mark.parametrize("headers", [{}, {"content-length": "5"}])
def test_a_body_that_does_not_end_is_refused(headers: dict[str, str]) -> None:
    """In chunks a body says no length; what one says is not believed either."""

    async def check() -> None:
        echo, service = Echo(), service_of(max_body_mib=1)
        call = Call(Guard(echo, service), "/grade", headers=headers)
        for _ in range(40):
            call.write(bytes(MIB // 10))
        status, answer = await call.end()

        assert status == 413
        assert answer["where"] == ""
        assert call.num_waiting >= 28
        assert echo.bodies == []

    asyncio.run(check())


def test_a_body_of_just_the_size_is_read() -> None:
    """The limit is what may be, not what may not."""

    async def check() -> None:
        call = Call(Guard(Echo(), service_of(max_body_mib=1)), "/grade")
        call.write(bytes(MIB), is_last=True)
        assert await call.end() == (200, bytes(MIB))

    asyncio.run(check())


def test_many_large_bodies_are_not_held_at_once() -> None:
    """They are refused for now; when others are done there is room again."""

    async def check() -> None:
        echo = Echo()
        app = Guard(echo, service_of(max_body_mib=1))
        echo.may_answer.clear()
        held = [Call(app, "/grade") for _ in range(4)]
        for call in held:
            call.write(bytes(MIB), is_last=True)
        while echo.num_under_way < 4:
            await asyncio.sleep(0)
        refused = Call(app, "/grade")
        refused.write(b"x", is_last=True)
        status, _ = await refused.end()
        assert (status, refused.headers["retry-after"]) == (429, "2")
        echo.may_answer.set()
        for call in held:
            assert (await call.end())[0] == 200
        assert await post(app, "/grade", bytes(MIB)) == (200, bytes(MIB))

    asyncio.run(check())


def test_bodies_that_were_refused_take_no_room() -> None:
    """Whatever was wrong with them."""

    async def check() -> None:
        service = service_of(max_body_mib=1, body_s=0.05)
        app = Guard(Echo(), service)
        for _ in range(6):
            large, slow, cut = (Call(app, "/grade") for _ in range(3))
            for _ in range(2):
                large.write(bytes(MIB * 3 // 4))
            slow.write(bytes(MIB))
            cut.write(bytes(MIB))
            cut.hang_up()
            assert [(await call.end())[0] for call in (large, slow, cut)] == [413, 408, None]
        assert (await post(app, "/grade", bytes(MIB)))[0] == 200

    asyncio.run(check())


def test_a_body_that_comes_too_slowly_is_given_up() -> None:
    """Half a body must not hold a place for ever."""

    async def check() -> None:
        echo = Echo()
        call = Call(Guard(echo, service_of(body_s=0.1)), "/grade")
        call.write(b'{"items":')
        status, answer = await call.end()

        assert status == 408
        assert "0.1 s" in answer["error"]
        assert echo.bodies == []

    asyncio.run(check())


def test_grading_may_take_longer_than_the_body() -> None:
    """`body_s` is for the body alone."""

    async def check() -> None:
        echo = Echo()
        echo.may_answer.clear()
        call = Call(Guard(echo, service_of(body_s=0.05)), "/grade")
        call.write(b"x", is_last=True)
        await asyncio.sleep(0.15)
        echo.may_answer.set()
        assert await call.end() == (200, b"x")

    asyncio.run(check())


# --- clients that go away


def test_who_goes_away_in_mid_body_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    """It is no error of ours, and nobody is there to be answered."""

    async def check() -> Service:
        echo, service = Echo(), service_of()
        call = Call(Guard(echo, service), "/grade")
        call.write(b'{"items"')
        call.hang_up()
        assert await call.end() == (None, b"")
        assert echo.bodies == []
        return service

    service = asyncio.run(check())

    assert metric(service, 'evalkit_requests_total{endpoint="none",status="499"}') == 1
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_who_goes_away_meanwhile_stops_the_work() -> None:
    """The application is cancelled, not left to answer nobody."""

    async def check() -> None:
        echo = Echo()
        echo.may_answer.clear()
        call = Call(Guard(echo, service_of()), "/grade")
        call.write(b"x", is_last=True)
        while not echo.num_under_way:
            await asyncio.sleep(0)
        call.hang_up()
        assert await call.end() == (None, b"")
        assert echo.num_under_way == 0

    asyncio.run(check())


def test_a_server_that_is_cancelled_stops_the_work() -> None:
    """No task is left behind when the server ends while a request is under way."""

    async def check() -> None:
        echo = Echo()
        echo.may_answer.clear()
        call = Call(Guard(echo, service_of()), "/grade")
        call.write(b"x", is_last=True)
        while not echo.num_under_way:
            await asyncio.sleep(0)
        call.task.cancel()
        await asyncio.wait((call.task,))
        assert call.task.cancelled()
        assert echo.num_under_way == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(check())


def test_a_request_leaves_no_task_behind() -> None:
    """However it ends."""

    async def check() -> None:
        app = Guard(Echo(), service_of())
        await post(app, "/grade", b"x")
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(check())


@pytest.mark.parametrize("headers", [{}, {"content-length": "999999999"}])
def test_who_does_not_read_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    """An answer or a refusal: after a while, and without an error of ours in the log."""
    monkeypatch.setattr(guard, "_SEND_S", 0.05)

    async def check() -> None:
        call = Call(Guard(Echo(), service_of()), "/grade", headers=headers)
        call.stop_reading()
        call.write(b"x", is_last=True)
        assert await call.end() == (None, b"")

    asyncio.run(check())

    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


# --- what fails, and stopping


def test_a_failure_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    """A stack trace is for the server's log."""

    async def check() -> None:
        service = service_of()
        app = create_app(service)
        service.metrics.text = None  # type: ignore[assignment, method-assign]
        call = Call(app, "/metrics", method="GET")
        call.write(b"", is_last=True)
        status, answer = await call.end()
        assert (status, answer["where"]) == (500, "")
        assert "Traceback" not in answer["error"]
        assert "NoneType" not in answer["error"]

    asyncio.run(check())

    assert any(one.exc_info for one in caplog.records)


@pytest.mark.parametrize(
    ("path", "kind", "content"),
    [
        ("/grade", "application/json", b'{"items": []}'),
        ("/grade/stream", "application/x-ndjson", b""),
        ("/grade/stream", "application/x-ndjson", b'{"target": "1", "completion": "1"}'),
    ],
)
def test_a_server_that_stops_lets_nobody_in(path: str, kind: str, content: bytes) -> None:
    """Clients are told to ask another server, and a balancer sees it by the status."""

    async def check() -> None:
        service = service_of()
        service.is_stopping = True
        call = Call(create_app(service), path, headers={"content-type": kind})
        call.write(content, is_last=True)
        status, answer = await call.end()
        assert (status, call.headers.get("retry-after")) == (503, "1")
        assert "being stopped" in answer["error"]

    asyncio.run(check())


@pytest.mark.parametrize(("path", "status"), [("/ready", 503), ("/health", 200), ("/metrics", 200)])
def test_a_server_that_stops_still_says_how_it_is(path: str, status: int) -> None:
    """Balancers are told, and the numbers can be read to the end."""

    async def check() -> None:
        service = service_of()
        service.is_stopping = True
        call = Call(create_app(service), path, method="GET")
        call.write(b"", is_last=True)
        assert (await call.end())[0] == status

    asyncio.run(check())


def test_only_http_comes_through() -> None:
    """The application has nothing for others, and they would need the token, too."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(_: Message) -> None: ...

    asyncio.run(Guard(app, service_of())({"type": "lifespan"}, receive, send))

    assert seen == ["lifespan"]
