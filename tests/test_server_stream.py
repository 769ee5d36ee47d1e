"""POST /grade/stream: lines in, lines out, whatever the lines are and whoever reads them."""

import asyncio
import json
import socket
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from asgi import Call
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import serving

from evalkit.server import stream
from evalkit.server.app import create_app
from evalkit.server.guard import App
from evalkit.server.service import Service
from evalkit.server.spec import ServeSpec

NDJSON = {"content-type": "application/x-ndjson"}
SLOW = r"\boxed{\int_0^1 \frac{\ln x}{x-1} dx}"  # takes seconds to compare with `slow_target`


def slow_target(number: int) -> str:
    return rf"\sum_{{k=1}}^{{10000}} \frac{{1}}{{k^2}}+{number}"


def line(answer: object, **more: object) -> bytes:
    """An item that is right where the answer is 7."""
    item = {"target": "7", "completion": rf"\boxed{{{answer}}}", **more}
    return json.dumps(item).encode() + b"\n"


def slow_line(number: int) -> bytes:
    return json.dumps({"target": slow_target(number), "completion": SLOW}).encode() + b"\n"


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service(ServeSpec(grader_workers=1, max_body_mib=1)) as service:
        yield service


@pytest.fixture(scope="module")
def app(service: Service) -> App:
    return create_app(service)


def answered(app: App, *parts: bytes) -> Any:
    """The lines that answer a body in these parts."""

    async def ask() -> list[Any]:
        call = Call(app, "/grade/stream", headers=NDJSON)
        for part in parts:
            call.write(part)
        call.write(b"", is_last=True)
        await call.end()
        return call.lines

    return ask()


def in_order(lines: list[Any]) -> list[tuple[int, float | None]]:
    return sorted((one["index"], one["score"]) for one in lines)


@pytest.mark.parametrize(
    ("body", "scores"),
    [
        (b"", []),
        (b"\n \n\r\n", []),
        (line(7), [1.0]),
        (line(7)[:-1], [1.0]),
        (line(7) + line(8) + line(7), [1.0, 0.0, 1.0]),
        (line(8) + b"\n\n" + line(7)[:-1] + b"\r\n", [0.0, 1.0]),
        (b"".join(map(line, range(300))), [float(i == 7) for i in range(300)]),
    ],
)
def test_every_line_gets_its_grade(
    runner: asyncio.Runner, app: App, body: bytes, scores: list[float]
) -> None:
    """In any order, with its place in the request; the last line says how many there were."""
    *grades, last = runner.run(answered(app, body))

    assert in_order(grades) == list(enumerate(scores))
    assert last == {"num_items": len(scores)}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 250), max_size=10))
def test_lines_may_be_cut_anywhere(runner: asyncio.Runner, app: App, cuts: list[int]) -> None:
    """Parts of a body are an accident of the network."""
    body = line(7) + line("ü") + b"\n" + line(8) + line(7)[:-1]
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    parts = [body[start:end] for start, end in pairwise(places)]
    *grades, last = runner.run(answered(app, *parts))

    assert in_order(grades) == [(0, 1.0), (1, 0.0), (2, 0.0), (3, 1.0)]
    assert last == {"num_items": 4}


@pytest.mark.parametrize(
    ("wrong", "error", "where"),
    [
        (b"{", "not JSON", "line 3"),
        (b"[]", "Input should be an object, not list", "line 3"),
        (b"\xff", "not JSON", "line 3"),
        (b'{"target": "7"}', "Field required", "line 3: completion"),
        (line(7, target=7), "Input should be an object, not 7", "line 3: target"),
        (line(7, task="other"), "this server has no task 'other'", "line 3.task"),
        (line(7, grader="code"), "this server has no grader 'code'", "line 3.grader"),
        (line("7" * (1 << 20)), "a line of more than 1,048,576 bytes", "line 3"),
    ],
)
@pytest.mark.parametrize("is_cut", [True, False])
def test_what_is_before_a_wrong_line_is_graded(
    runner: asyncio.Runner, app: App, *, wrong: bytes, error: str, where: str, is_cut: bool
) -> None:
    """The last line says what is wrong, and where; nothing behind it is graded."""
    parts = line(7), line(8), wrong.strip() + b"\n", line(7)
    *grades, last = runner.run(answered(app, *(parts if is_cut else [b"".join(parts)])))

    assert in_order(grades) == [(0, 1.0), (1, 0.0)]
    assert error in last["error"]
    assert last["where"] == where
    assert last.keys() == {"error", "where"}


def test_a_line_without_an_end_is_not_read_for_ever(runner: asyncio.Runner, app: App) -> None:
    """It ends where a line is too long; what came before is graded."""

    async def check() -> list[Any]:
        call = Call(app, "/grade/stream", headers=NDJSON)
        call.write(line(7) + b"{")
        for _ in range(30):
            call.write(bytes(100_000))
        await call.end()
        return call.lines

    grade, last = runner.run(check())

    assert grade["score"] == 1.0
    assert last["where"] == "line 2"


def test_a_wrong_line_does_not_wait_for_the_rest(runner: asyncio.Runner, app: App) -> None:
    """A client that would send for ever learns what is wrong."""

    async def check() -> Any:
        call = Call(app, "/grade/stream", headers=NDJSON)
        call.write(line(7) + b"{\n")
        await call.end()
        return call.lines

    grade, last = runner.run(check())

    assert grade["score"] == 1.0
    assert last["where"] == "line 2"


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain"])
def test_lines_are_not_said_to_be_json(runner: asyncio.Runner, app: App, kind: str) -> None:
    """Who sends something else is told before anything is read."""

    async def check() -> Any:
        call = Call(app, "/grade/stream", headers={"content-type": kind} if kind else {})
        call.write(line(7), is_last=True)
        return await call.end()

    status, answer = runner.run(check())

    assert status == 415
    assert "application/x-ndjson" in answer["error"]
    assert answer["where"] == "Content-Type"


def test_grades_come_while_lines_are_sent(runner: asyncio.Runner, app: App) -> None:
    """The first one does not wait for the last line."""

    async def check() -> list[Any]:
        call = Call(app, "/grade/stream", headers=NDJSON)
        for number in range(1, 4):
            call.write(line(7))
            await call.until_lines(number)
        call.write(b"", is_last=True)
        await call.end()
        return call.lines

    assert [one.get("index") for one in runner.run(check())] == [0, 1, 2, None]


def test_no_more_is_read_than_is_graded_soon(runner: asyncio.Runner, app: App) -> None:
    """A body that never ends must not fill the memory."""

    async def check() -> int:
        call = Call(app, "/grade/stream", headers=NDJSON)
        for number in range(50):
            call.write(slow_line(number))
        await asyncio.sleep(0.5)
        num_waiting = call.num_waiting
        call.task.cancel()
        await asyncio.wait((call.task,))
        return num_waiting

    assert runner.run(check()) >= 40


def gauge(service: Service, name: str) -> float:
    start = f'evalkit_{name}{{grader="math"}} '
    lines = service.metrics.text().decode().splitlines()
    return next(float(one.removeprefix(start)) for one in lines if one.startswith(start))


@pytest.mark.parametrize("is_whole", [True, False])
def test_who_goes_away_is_not_waited_for(
    runner: asyncio.Runner, app: App, service: Service, is_whole: bool
) -> None:
    """Whether or not the body had come to its end, what waits is forgotten."""

    async def check() -> None:
        call = Call(app, "/grade/stream", headers=NDJSON)
        call.write(b"".join(map(slow_line, range(100, 120))), is_last=is_whole)
        while not gauge(service, "queue_depth"):
            await asyncio.sleep(0.01)
        call.hang_up()
        await call.end()

    runner.run(check())

    assert gauge(service, "queue_depth") == 0


def test_a_stream_ends_when_the_server_is_stopped(runner: asyncio.Runner) -> None:
    """Also one that has nothing to grade just then: its client is told to ask another server."""

    async def check(service: Service) -> list[Any]:
        call = Call(create_app(service), "/grade/stream", headers=NDJSON)
        call.write(line(7))
        await call.until_lines(1)
        service.stop()
        await call.end()
        return call.lines

    with Service(ServeSpec(grader_workers=1)) as service:
        grade, last = runner.run(check(service))

    assert grade["score"] == 1.0
    assert "being stopped" in last["error"]


def test_grades_that_nobody_reads_are_bounded(
    runner: asyncio.Runner, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends on without reading is told, once it reads."""
    monkeypatch.setattr(stream, "_MOST_UNREAD_BYTES", 10_000)

    async def check() -> list[Any]:
        call = Call(app, "/grade/stream", headers=NDJSON)
        call.stop_reading()
        call.write(line(7) * 200)
        await asyncio.sleep(0.3)
        call.read_on()
        await call.end()
        return call.lines

    *grades, last = runner.run(check())

    assert 0 < len(grades) < 200
    assert "not read" in last["error"]


def test_grades_that_are_read_are_without_bound(
    runner: asyncio.Runner, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is for what waits."""
    monkeypatch.setattr(stream, "_MOST_UNREAD_BYTES", 10_000)

    async def check() -> list[Any]:
        call = Call(app, "/grade/stream", headers=NDJSON)
        for number in range(1, 101):
            call.write(line(7) * 2)
            await call.until_lines(2 * number)
        call.write(b"", is_last=True)
        await call.end()
        return call.lines

    assert runner.run(check())[-1] == {"num_items": 200}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as server:
        yield server.url


def test_a_client_may_send_everything_before_it_reads(url: str) -> None:
    """Over a real connection, where what is not read stays in the buffers of both sides."""
    body = b"".join(line(number % 10) for number in range(3000))
    address = httpx.URL(url)
    head = (
        "POST /grade/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((address.host, address.port or 80), 60) as connection:
        connection.sendall(head.encode() + body)
        found = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    assert b'{"num_items":3000}' in found
    assert found.count(b'"score":1.0') == 300
    assert found.endswith(b"0\r\n\r\n")


def test_a_stream_may_have_no_length(url: str) -> None:
    """Its lines come in chunks, from a generator."""
    with httpx.stream(
        "POST", f"{url}/grade/stream", headers=NDJSON, content=map(line, range(9))
    ) as r:
        assert (r.status_code, r.headers["content-type"]) == (200, "application/x-ndjson")
        *grades, last = map(json.loads, r.iter_lines())

    assert in_order(grades) == [(i, float(i == 7)) for i in range(9)]
    assert last == {"num_items": 9}
