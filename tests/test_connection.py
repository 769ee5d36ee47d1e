"""How many connections there may be, and how long one may say nothing."""

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from asgi import listening

from evalkit.server import connection
from evalkit.server.connection import Connection
from evalkit.server.guard import Receive, Scope, Send

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Connect = Callable[[], socket.socket]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body."""
    if scope["type"] != "http":
        return
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message["body"])
        if not message["more_body"]:
            break
    body = str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of a server that takes three clients and waits a moment for a head."""
    monkeypatch.setattr(Connection, "max_connections", 3)
    monkeypatch.setattr(connection, "_HEAD_S", 0.2)
    with listening(app) as url:
        yield url


@pytest.fixture
def connect(url: str) -> Iterator[Connect]:
    address = httpx.URL(url)
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            socket.create_connection((address.host, address.port or 80), 20)
        )


def answer(client: socket.socket, request: bytes = GET) -> bytes:
    client.sendall(request)
    return client.recv(1 << 16)


def is_closed(client: socket.socket) -> bool:
    """After some seconds at most."""
    try:
        return client.recv(1 << 16) == b""
    except ConnectionResetError:
        return True


def test_one_connection_too_many_is_ended_at_once(connect: Connect) -> None:
    """The others go on, and when one has ended another may come."""
    clients = [connect() for _ in range(3)]
    assert all(answer(client).endswith(b"0") for client in clients)
    assert is_closed(connect())
    assert all(answer(client).endswith(b"0") for client in clients)
    clients.pop().close()
    for _ in range(100):  # until the server has seen that
        try:
            if found := answer(connect()):
                break
        except (ConnectionResetError, BrokenPipeError):
            time.sleep(0.05)
    assert found.endswith(b"0")


@pytest.mark.parametrize("head", [b"", b"G", b"\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX"])
def test_a_head_that_does_not_come_is_not_waited_for(connect: Connect, head: bytes) -> None:
    """Nor is half a head."""
    client = connect()
    client.sendall(head)

    assert is_closed(client)


def test_half_a_second_head_is_not_waited_for(connect: Connect) -> None:
    """What was right before does not help."""
    client = connect()
    assert answer(client).endswith(b"0")
    client.sendall(GET[:-2])

    assert is_closed(client)


def test_a_client_may_rest_between_requests(connect: Connect) -> None:
    """Trainers ask at the end of each step, over the same connection."""
    client = connect()
    assert answer(client).endswith(b"0")
    time.sleep(0.5)

    assert answer(client).endswith(b"0")


def test_a_body_has_its_own_time(connect: Connect) -> None:
    """The guard looks after that."""
    client = connect()
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n1")
    time.sleep(0.5)

    assert answer(client, b"2").endswith(b"2")


def test_requests_behind_one_another_are_answered(connect: Connect) -> None:
    """The second head comes while the first request is under way."""
    client = connect()
    client.sendall(GET * 2 + GET.replace(b"Host", b"Connection: close\r\nHost"))
    found = b"".join(iter(lambda: client.recv(1 << 16), b""))

    assert found.count(b"HTTP/1.1 200 OK") == 3


def test_the_limit_of_descriptors_is_raised() -> None:
    """To what the process may have; some are kept for workers."""
    code = (
        "import resource; from evalkit.server.connection import raise_limit\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 1000))\n"
        "print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 1000:
        pytest.skip("this process may have fewer")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.split() == ["800", "1000", "1000"]
