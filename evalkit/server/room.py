"""How much may be in the server at the same time."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from evalkit.server.errors import RequestError, stopping

_RETRY_AFTER_S = 2


class Room:
    """Room for `size` items, first come first served.

    As many again may wait for it, or none with `refuses`; whoever comes then is sent away.
    """

    def __init__(self, size: int, *, refuses: bool) -> None:
        self._size = size
        self._max_waiting = 0 if refuses else size
        self._num_inside = 0
        self._waiting: OrderedDict[asyncio.Future[None], int] = OrderedDict()
        self._is_closed = False

    @asynccontextmanager
    async def held(self, num_items: int, until: float) -> AsyncIterator[None]:
        """Raises RequestError: 413 for more than ever fits, 429 where it stays full, 503 when closed.

        `until` is in the loop's time.
        """
        turn = self._queue_up(num_items)
        try:
            await self._let_in(turn, until)
            yield
        finally:
            if self._waiting.pop(turn, None) is None:
                self._num_inside -= num_items
            self._admit()

    def close(self) -> None:
        """Nobody is let in any more."""
        self._is_closed = True
        for turn in self._waiting:
            _wake(turn)

    def _queue_up(self, num_items: int) -> "asyncio.Future[None]":
        if num_items > self._size:
            raise RequestError(413, f"{num_items:,} items; this server holds {self._size:,}")
        if self._is_closed:
            raise stopping()
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = num_items
        self._admit()
        if turn in self._waiting and sum(self._waiting.values()) > self._max_waiting:
            del self._waiting[turn]
            raise self._full()
        return turn

    async def _let_in(self, turn: "asyncio.Future[None]", until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await turn
        except TimeoutError as error:
            raise self._full() from error
        if turn in self._waiting:
            raise stopping()

    def _admit(self) -> None:
        while self._waiting and not self._is_closed:
            turn, num_items = next(iter(self._waiting.items()))
            if self._num_inside + num_items > self._size:
                return
            self._num_inside += num_items
            del self._waiting[turn]
            _wake(turn)

    def _full(self) -> RequestError:
        text = f"the server is full: it holds {self._size:,} items; ask again later"
        return RequestError(429, text, retry_after_s=_RETRY_AFTER_S)


def _wake(turn: "asyncio.Future[None]") -> None:
    if not turn.done():  # who waited may have been cancelled just now
        turn.set_result(None)
