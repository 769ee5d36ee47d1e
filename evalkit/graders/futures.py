"""Threads that count their work, and futures for each of several who wait for the same piece of it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

S = TypeVar("S")
R = TypeVar("R")


def finished(value: R) -> Future[R]:
    future: Future[R] = Future()
    future.set_result(value)
    return future


def following(work: Future[S], make: Callable[[Future[S]], R]) -> Future[R]:
    """Ends when `work` does, with what `make(work)` returns or raises.

    It cannot be cancelled, since others may wait for the same work.
    """
    future: Future[R] = Future()
    future.set_running_or_notify_cancel()

    def finish(done: Future[S]) -> None:
        try:
            future.set_result(make(done))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the result
            future.set_exception(error)

    work.add_done_callback(finish)
    return future


class CountingThreads(ThreadPoolExecutor):
    """`num_under_way` calls were submitted and have not ended; a future that is done has ended."""

    def __init__(self, num_threads: int) -> None:
        super().__init__(num_threads)
        self.num_threads = num_threads
        self.num_under_way = 0
        self._lock = threading.Lock()

    def submit(self, call: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        future = super().submit(self._counted, call, *args, **kwargs)
        self._add(1)
        future.add_done_callback(self._count_cancelled)
        return future

    def _counted(self, call: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        try:
            return call(*args, **kwargs)
        finally:
            self._add(-1)

    def _count_cancelled(self, future: Future[Any]) -> None:
        if future.cancelled():
            self._add(-1)

    def _add(self, number: int) -> None:
        with self._lock:
            self.num_under_way += number
