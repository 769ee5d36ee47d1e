"""The application of the reward server in this process: step by step without a network, or on a port."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any

import uvicorn

from evalkit.server.connection import Connection
from evalkit.server.guard import App, Message


class Call:
    """One request, which is written and read step by step, as a server would hand it over.

    A client that is told to stop reading takes what is on its way, and no more.
    """

    def __init__(
        self, app: App, path: str, *, method: str = "POST", headers: Mapping[str, str] | None = None
    ) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = b""
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._changed = asyncio.Event()
        self._reads = asyncio.Event()
        self._reads.set()
        self._is_gone = False
        encoded = [(name.lower().encode(), text.encode()) for name, text in (headers or {}).items()]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": encoded,
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
        }
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    @property
    def num_waiting(self) -> int:
        """Parts of the body that nobody has read yet."""
        return self._received.qsize()

    @property
    def lines(self) -> list[Any]:
        """Of the answer so far, each of them JSON."""
        return [json.loads(line) for line in self.body.splitlines()]

    def write(self, body: bytes, *, is_last: bool = False) -> None:
        self._received.put_nowait({"type": "http.request", "body": body, "more_body": not is_last})

    def hang_up(self) -> None:
        self._is_gone = True
        self._received.put_nowait({"type": "http.disconnect"})

    def stop_reading(self) -> None:
        self._reads.clear()

    def read_on(self) -> None:
        self._reads.set()

    async def until_lines(self, num_lines: int) -> None:
        """Raises TimeoutError where there are fewer after some seconds."""
        async with asyncio.timeout(20):
            while self.body.count(b"\n") < num_lines:
                self._changed.clear()
                await self._changed.wait()

    async def end(self) -> Any:
        """The status, and the answer as JSON."""
        await asyncio.wait_for(self.task, 20)
        is_json = self.headers.get("content-type") == "application/json"
        return self.status, json.loads(self.body) if is_json else self.body

    async def _receive(self) -> Message:
        return await self._received.get()

    async def _send(self, message: Message) -> None:
        await self._reads.wait()
        if self._is_gone:
            return
        if message["type"] == "http.response.start":
            assert self.status is None
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message.get("headers", ())}
            return
        self.body += message.get("body", b"")
        self._changed.set()
        if not message.get("more_body", False):
            self._received.put_nowait({"type": "http.disconnect"})


async def post(app: App, path: str, content: Any, **headers: str) -> Any:
    """The status and the answer; what is not bytes is sent as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    call = Call(app, path, headers={"content-type": "application/json", **headers})
    call.write(body, is_last=True)
    return await call.end()


@contextmanager
def listening(app: App) -> Iterator[str]:
    """The address of the application on a port of this machine, until the end of the block."""
    config = uvicorn.Config(
        app, port=0, log_level="warning", access_log=False, http=Connection, ws="none"
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
