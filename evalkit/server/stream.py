"""POST /grade/stream: any number of items in one body: a line for each, in and out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from evalkit.graders.wire import json_bytes
from evalkit.server import bodies
from evalkit.server.bodies import Body
from evalkit.server.errors import ERROR_REF, RequestError
from evalkit.server.items import GradeReply, Item, reply_fields
from evalkit.server.service import Service
from evalkit.server.work import Work

Pair = tuple[Item, Work]

_NDJSON = "application/x-ndjson"
_GROUP = 64
_NUM_GROUPS = 4
_MOST_UNREAD_BYTES = 64 << 20


class StreamedGrade(GradeReply):
    """`index` counts the lines of the request from 0; empty ones do not count."""

    index: int


class StreamEnd(Body):
    """The last line of a stream that was right to the end."""

    num_items: int


_ANSWER = {"anyOf": [bodies.reference(StreamedGrade), bodies.reference(StreamEnd), ERROR_REF]}


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["evalkit"])

    @routes.post(
        "/grade/stream",
        response_class=Response,
        responses={200: {"content": {_NDJSON: {"schema": _ANSWER}}}},
        openapi_extra=bodies.describes(Item, _NDJSON),
    )
    async def grade_stream(request: Request) -> Response:
        """Grades an item for each line, and answers with a line for each as it is done.

        The last line is `{"num_items": N}`, or `{"error": …, "where": "line 7"}` (from 1) where a line is wrong:
        those before it are graded, nothing after it is.
        """
        service.check_open()
        bodies.check_content_type(request, _NDJSON)
        return _Lines(_Stream(service, request).lines())

    return routes


class _Lines(Response):
    """Starlette's own would read the request, to see whether the client is still there."""

    def __init__(self, lines: AsyncGenerator[bytes]) -> None:
        super().__init__(media_type=_NDJSON)
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", _NDJSON.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async with aclosing(self._lines) as lines:
            async for line in lines:
                await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class _Stream:
    """One request: lines are read while others are graded, some groups of them at a time."""

    def __init__(self, service: Service, request: Request) -> None:
        self._service = service
        self._request = request
        self._most_bytes = service.spec.max_body_mib << 20
        self._unread: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._num_unread_bytes = 0
        self._turns = asyncio.Semaphore(_NUM_GROUPS)

    async def lines(self) -> AsyncGenerator[bytes]:
        """Of the answer."""
        work = asyncio.create_task(self._work())
        try:
            while (line := await self._unread.get()) is not None:
                self._num_unread_bytes -= len(line)
                yield line
            await work
        finally:
            work.cancel()
            await asyncio.wait((work,))

    async def _work(self) -> None:
        try:
            self._put(await self._graded())
        except* RequestError as group:
            error = group.exceptions[0]
            assert isinstance(error, RequestError)
            self._put(error.fields())
        except* ClientDisconnect:
            pass
        finally:
            self._unread.put_nowait(None)

    async def _graded(self) -> Mapping[str, object]:
        """What the last line says. Ends early where the server is stopped, or the client goes away."""
        async with asyncio.TaskGroup() as tasks:
            ends = [tasks.create_task(self._service.until_stopped())]
            last = await self._read(tasks)
            ends.append(tasks.create_task(self._until_gone()))
            for _ in range(_NUM_GROUPS):
                await self._turns.acquire()
            for end in ends:
                end.cancel()
        return last

    async def _until_gone(self) -> None:
        """For when the body is whole; before that, reading it says so."""
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        raise ClientDisconnect

    async def _read(self, tasks: asyncio.TaskGroup) -> Mapping[str, object]:
        num_items = 0
        async for lines in _groups(self._request, self._most_bytes):
            pairs, error = self._pairs(lines, num_items)
            await self._turns.acquire()
            tasks.create_task(self._grade(pairs, num_items))
            num_items += len(pairs)
            if error:
                return error.fields()
        return {"num_items": num_items}

    def _pairs(self, lines: Sequence[bytes], first: int) -> tuple[list[Pair], RequestError | None]:
        """As far as the lines are right."""
        pairs: list[Pair] = []
        try:
            for number, line in enumerate(lines, first + 1):
                pairs.append(self._pair(line, f"line {number}"))
        except RequestError as error:
            return pairs, error
        return pairs, None

    def _pair(self, line: bytes, where: str) -> Pair:
        if len(line) > self._most_bytes:
            raise RequestError(413, f"a line of more than {self._most_bytes:,} bytes", where)
        item = bodies.parse(line, Item, where)
        return item, item.work(self._service, where)

    async def _grade(self, pairs: Sequence[Pair], first: int) -> None:
        works = [work for _, work in pairs]
        async with aclosing(self._service.grade_each(works, each=True)) as parts:
            async for found in parts:
                for i, grade in found:
                    fields = reply_fields(self._service, *pairs[i], grade)
                    self._put({"index": first + i, **fields})
                    self._check_unread()
        self._turns.release()

    def _put(self, fields: Mapping[str, Any]) -> None:
        line = json_bytes(fields) + b"\n"
        self._num_unread_bytes += len(line)
        self._unread.put_nowait(line)

    def _check_unread(self) -> None:
        if self._num_unread_bytes > _MOST_UNREAD_BYTES:
            text = f"{_MOST_UNREAD_BYTES:,} bytes of grades were not read; read while you send"
            raise RequestError(413, text)


async def _groups(request: Request, most_bytes: int) -> AsyncIterator[list[bytes]]:
    """Whole lines as they arrive, some at a time; one that is longer is cut, and the last."""
    rest = bytearray()
    async for part in request.stream():
        *lines, tail = part.split(b"\n")
        if lines:
            lines[0] = bytes(rest) + lines[0]
            rest.clear()
        rest += tail
        lines = [line for line in lines if line.strip()]
        for start in range(0, len(lines), _GROUP):
            yield lines[start : start + _GROUP]
        if len(rest) > most_bytes:
            break
    if rest.strip():
        yield [bytes(rest)]
