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
    """`num_under_way` calls were submitted and have not ended; those that wait for them come later."""

    def __init__(self, num_threads: int) -> None:
        super().__init__(num_threads)
        self.num_threads = num_threads
        self.num_under_way = 0
        self._lock = threading.Lock()

    def submit(self, call: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        future = super().submit(call, *args, **kwargs)
        with self._lock:
            self.num_under_way += 1
        future.add_done_callback(self._count_end)
        return future

    def _count_end(self, _: Future[Any]) -> None:
        with self._lock:
            self.num_under_way -= 1
