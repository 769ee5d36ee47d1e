"""In front of all endpoints: the token, the size and pace of bodies, clients that go away."""

import asyncio
import base64
import binascii
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from evalkit.server.errors import RequestError, log_refusal
from evalkit.server.service import Service

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

STREAMED = "/grade/stream"
_OPEN = ("/health", "/ready")
_NUM_BODIES = 4  # of the largest size, in the server at the same time
_SEND_S = 60.0
_GONE = 499  # in the metrics: nobody was there to be answered
_logger = logging.getLogger(__name__)


class _GoneError(Exception):
    """Nobody is there to be answered: the client went away, or does not read."""


class Guard:
    """ASGI middleware. What fails unexpectedly is logged; the client sees no details."""

    def __init__(self, app: App, service: Service) -> None:
        self._app = app
        self._service = service
        self._most_bytes = service.spec.max_body_mib << 20
        self._bytes_inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        started = time.perf_counter()
        try:
            await self._answer(scope, receive, answer)
        except _GoneError:
            _logger.info("%s %s: the client went away", scope["method"], scope["path"])
        except Exception:
            _logger.exception("%s %s", scope["method"], scope["path"])
        finally:
            endpoint = getattr(scope.get("route"), "path", "none")
            seconds = time.perf_counter() - started
            self._service.metrics.count_request(endpoint, answer.status, seconds)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self._run(scope, receive, answer)
        except RequestError as error:
            log_refusal(scope, error)
            await error.response()(scope, receive, answer.send)

    async def _run(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        headers = dict(scope["headers"])
        if scope["path"] not in _OPEN:
            check_token(headers.get(b"authorization", b""), self._service.token)
        if scope["path"] == STREAMED:
            await self._app(scope, receive, answer.send)
            return
        async with self._body(headers, receive) as body:
            await _unless_gone(self._app, scope, body, receive, answer.send)

    @asynccontextmanager
    async def _body(
        self, headers: Mapping[bytes, bytes], receive: Receive
    ) -> AsyncIterator[bytearray]:
        """Raises RequestError: 413, 429 where other bodies take the room, 408 where it comes too slowly."""
        if int(headers.get(b"content-length", b"0")) > self._most_bytes:
            raise self._too_large()
        body = bytearray()
        try:
            await self._read_in_time(body, receive)
            yield body
        finally:
            self._bytes_inside -= len(body)

    async def _read_in_time(self, body: bytearray, receive: Receive) -> None:
        limit_s = self._service.spec.body_s
        try:
            async with asyncio.timeout(limit_s):
                await self._read(body, receive)
        except TimeoutError as error:
            raise RequestError(408, f"the body was not there within {limit_s:g} s") from error

    async def _read(self, body: bytearray, receive: Receive) -> None:
        async for part in _parts(receive):
            if len(body) + len(part) > self._most_bytes:
                raise self._too_large()
            if self._bytes_inside + len(part) > _NUM_BODIES * self._most_bytes:
                raise RequestError(429, "too many large bodies at once", retry_after_s=2)
            self._bytes_inside += len(part)
            body += part

    def _too_large(self) -> RequestError:
        return RequestError(413, f"a body of more than {self._most_bytes:,} bytes")


def check_token(header: bytes, token: str | None) -> None:
    """Accepts a bearer token, and basic authentication with the token as password; raises 401."""
    if token is None:
        return
    scheme, _, given = header.partition(b" ")
    if scheme.lower() == b"basic":
        try:
            given = base64.b64decode(given, validate=True).partition(b":")[2]
        except binascii.Error:
            given = b""
    if scheme.lower() not in (b"bearer", b"basic") or not hmac.compare_digest(
        given.strip(), token.encode()
    ):
        raise RequestError(401, "a token is needed: Authorization: Bearer TOKEN", "Authorization")


class _Answer:
    """Sends, and remembers the status; a client that does not read is given up after a while."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = _GONE

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        try:
            async with asyncio.timeout(_SEND_S):
                await self._send(message)
        except TimeoutError as error:
            raise _GoneError from error


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    while (message := await receive())["type"] == "http.request":
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return
    raise _GoneError


async def _unless_gone(
    app: App, scope: Scope, body: bytearray, receive: Receive, send: Send
) -> None:
    """Runs the app with the body, and stops it when the client goes away."""
    gone = asyncio.ensure_future(_disconnected(receive))
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        for message in messages:
            return message
        await asyncio.shield(gone)
        return {"type": "http.disconnect"}

    task = asyncio.ensure_future(app(scope, replay, send))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (gone, task):
            if not one.done():
                one.cancel()
        await asyncio.wait((task, gone))
    if not task.cancelled():
        task.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
