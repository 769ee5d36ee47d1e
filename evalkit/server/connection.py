"""Connections to the reward server: how many there may be, and how long one may say nothing."""

import asyncio
import resource

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_S = 10.0
_MOST_DESCRIPTORS = 10_000  # macOS refuses more than 10,240
_NUM_RESERVED = 200  # for workers, files and the listener


def raise_limit() -> int:
    """Lets this process have as many descriptors as it may need; returns how many clients that leaves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(most - _NUM_RESERVED, most // 2)


class Connection(HttpToolsProtocol):
    """Hangs up on a client that sends nothing, or half a head; and on one too many, at once.

    uvicorn limits requests, but not connections: without descriptors no worker can be replaced.
    """

    max_connections = 1_000
    _head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            transport.abort()
        else:
            self._expect_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        self._forget_head()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._forget_head()
        self._head = self.loop.call_later(_HEAD_S, self.transport.close)

    def _forget_head(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None
