"""The work of one request: threads finish it piece by piece, the event loop awaits it."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from typing import Any

Done = tuple[int, "Future[Any]"]
"""A place in a batch, and its future, which is done."""


class BatchDroppedError(Exception):
    """The results of this batch are not worth waiting for any more."""


class Batch:
    """The work of one request, and what became of it. Made and awaited on the event loop.

    With `each` whoever awaits the results is woken for every one, else only by the last.
    """

    def __init__(self, size: int, *, each: bool = False) -> None:
        self._size = size
        self._each = each
        self._finished: list[Done] = []
        self._num_finished = 0
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._lock = threading.Lock()
        self.is_dropped = False

    def drop(self) -> None:
        """On the event loop: whoever waits is told; what still comes is not looked at."""
        self.is_dropped = True
        self._changed.set()

    def finish(self, *done: Done) -> None:
        """From any thread."""
        with self._lock:
            self._finished.extend(done)
            self._num_finished += len(done)
            is_last = self._num_finished == self._size
        if (self._each or is_last) and not self.is_dropped:
            self._loop.call_soon_threadsafe(self._changed.set)

    async def results(self, until: float) -> AsyncGenerator[list[Done]]:
        """What is done, in any order, some at a time.

        Ends at `until`, in the loop's time, also where results are missing. Raises
        BatchDroppedError where the batch is dropped meanwhile.
        """
        num_seen = 0
        is_over = False
        while num_seen < self._size and not is_over:
            is_over = not await self._is_changed(until)
            if self.is_dropped:
                raise BatchDroppedError
            with self._lock:
                found, self._finished = self._finished, []
            num_seen += len(found)
            if found:
                yield found

    async def _is_changed(self, until: float) -> bool:
        """False where nothing has changed by then."""
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True
