"""HTTP/1.1 to one port of this machine with as little work as possible, for measurements of a server.

No TLS, no redirects, no retries but one: a connection that the server closed while nobody used it
is opened again.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

HOST = "127.0.0.1"
JSON = "application/json"
NDJSON = "application/x-ndjson"
_BUFFER_BYTES = 1 << 20
_CLOSED_BEFORE_S = 0.05


class ConnectionLostError(Exception):
    """The server closed the connection before an answer was complete."""


class ConnectionIdleError(ConnectionLostError):
    """The server closed it before the first byte of an answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`headers` has the names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def message(path: str, body: bytes = b"", *, method: str = "POST", kind: str = JSON) -> bytes:
    """A whole request, ready to be sent any number of times."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n"
    if method == "POST":
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


class Connection:
    """Stays open between requests, which follow one another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection(HOST, port, limit=_BUFFER_BYTES))

    async def ask(self, request: bytes) -> Reply:
        """Raises ConnectionLostError."""
        await self.send(request)
        return await self.receive()

    async def send(self, data: bytes) -> None:
        """Also of parts of a request."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise ConnectionIdleError(str(error)) from error

    async def receive(self) -> Reply:
        try:
            status, headers = _head(await self._reader.readuntil(b"\r\n\r\n"))
        except (OSError, asyncio.IncompleteReadError) as error:
            is_empty = not getattr(error, "partial", b"")
            raise (ConnectionIdleError if is_empty else ConnectionLostError)(str(error)) from error
        try:
            if headers.get("transfer-encoding") == "chunked":
                body = await self._chunks()
            else:
                body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise ConnectionLostError(str(error)) from error
        return Reply(status, headers, body)

    async def _chunks(self) -> bytes:
        parts = []
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return b"".join(parts)

    def abort(self) -> None:
        """At once, whatever is under way: the server sees a reset or an end."""
        self._writer.transport.abort()


def _head(data: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = data.decode("latin-1").split("\r\n")[:-2]
    fields = (line.partition(":") for line in lines)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in fields}


@dataclass
class Client:
    """At most `max_connections` to one port; more requests than that wait. Closed by `close`."""

    port: int
    max_connections: int = 64
    _idle: list[Connection] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.max_connections)

    async def ask(self, request: bytes) -> Reply:
        """Raises ConnectionRefusedError and ConnectionLostError.

        A connection that ends as soon as a request is sent was closed before that, and another is
        opened; where it ends later, the answer was lost.
        """
        async with self._free:
            if self._idle:
                sent_at = time.monotonic()
                try:
                    return await self._ask(self._idle.pop(), request)
                except ConnectionIdleError:
                    if time.monotonic() - sent_at > _CLOSED_BEFORE_S:
                        raise
            return await self._ask(await Connection.open(self.port), request)

    async def _ask(self, connection: Connection, request: bytes) -> Reply:
        try:
            reply = await connection.ask(request)
        except BaseException:
            connection.abort()
            raise
        if reply.headers.get("connection") == "close":
            connection.abort()
        else:
            self._idle.append(connection)
        return reply

    def close(self) -> None:
        while self._idle:
            self._idle.pop().abort()
