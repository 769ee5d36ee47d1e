"""Results that were computed before, the most recent ones, and work that is under way."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Holds the `size` results that were used last, of those that are `worth_keeping`.

    Equal work that is asked for at the same time is done once. Work that raises or is cancelled is
    forgotten. Safe from any thread.
    """

    def __init__(self, size: int, worth_keeping: Callable[[V], bool]) -> None:
        self._size = size
        self._worth_keeping = worth_keeping
        self._lock = threading.Lock()
        self._known: OrderedDict[K, V] = OrderedDict()
        self._under_way: dict[K, Future[V]] = {}

    def get(self, key: K) -> V | Future[V] | None:
        """The result where it is known, else the work under way, else None."""
        with self._lock:
            return self._get(key)

    def find(self, key: K, start: Callable[[], Future[V]]) -> V | Future[V]:
        """As `get`, but `start` is called where there is neither."""
        with self._lock:
            if (found := self._get(key)) is not None:
                return found
            future = self._under_way[key] = start()
        future.add_done_callback(partial(self._finish, key))
        return future

    def _get(self, key: K) -> V | Future[V] | None:
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        return self._under_way.get(key)

    def _finish(self, key: K, done: Future[V]) -> None:
        has_result = not done.cancelled() and done.exception() is None
        is_kept = has_result and self._worth_keeping(done.result())
        with self._lock:
            del self._under_way[key]
            if is_kept:
                self._known[key] = done.result()
                if len(self._known) > self._size:
                    self._known.popitem(last=False)
