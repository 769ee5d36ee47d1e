"""Hands the work of many requests to one pool, each request in turn.

A request with ten thousand items and one with a single item wait equally long for their next item:
a few items of each are looked at in turn. What is easy or remembered is done with that; what a
worker is needed for is handed over in turn, too, and no more than the pool works on soon.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from evalkit.server.batch import Batch, Done

T = TypeVar("T")
_TURN = 8
Start = Callable[[], "Future[Any]"]
Prepare = Callable[[], "Future[Any] | Start"]
"""Called in the desk's thread: the future where it costs the pool no work, else what starts that."""

Piece = tuple[int, Prepare]
"""A place in a batch, and what is to be done for it."""


class Desk:
    """A thread that hands work to a pool, while the pool has less than `window` under way.

    `num_under_way` says how much that is: a pool counts equal pieces once.
    """

    def __init__(self, name: str, window: int, num_under_way: Callable[[], int]) -> None:
        self._window = window
        self._num_under_way = num_under_way
        self._new: OrderedDict[Batch, deque[Piece]] = OrderedDict()
        self._costly: OrderedDict[Batch, deque[tuple[int, Start]]] = OrderedDict()
        self._is_for_new = True
        self._is_closed = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._serve, name=f"desk-{name}", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """Pieces of work that wait for their turn."""
        with self._change:
            return sum(map(len, self._new.values())) + sum(map(len, self._costly.values()))

    def add(self, batch: Batch, pieces: Iterable[Piece]) -> None:
        if waiting := deque(pieces):
            with self._change:
                self._new[batch] = waiting
                self._change.notify()

    def forget(self, batch: Batch) -> None:
        """What of it was not handed over yet never is; the batch has been dropped."""
        with self._change:
            self._new.pop(batch, None)
            self._costly.pop(batch, None)

    def close(self) -> None:
        """What still waits is forgotten."""
        with self._change:
            self._is_closed = True
            self._change.notify()
        self._thread.join()

    def _serve(self) -> None:
        while turn := self._next_turn():
            turn()

    def _next_turn(self) -> Callable[[], None] | None:
        """One for the workers, one for what is new, so that neither waits for all of the other."""
        with self._change:
            while not self._is_closed:
                room = self._room
                if self._new and (self._is_for_new or room <= 0):
                    self._is_for_new = False
                    return partial(self._look, *_take(self._new, _TURN))
                if room > 0:
                    self._is_for_new = True
                    return partial(self._start, *_take(self._costly, min(_TURN, room)))
                self._change.wait()
        return None

    @property
    def _room(self) -> int:
        """How many of the costly pieces may be started now."""
        return self._window - self._num_under_way() if self._costly else 0

    def _look(self, batch: Batch, pieces: list[Piece]) -> None:
        prepared = [(index, _called(prepare)) for index, prepare in pieces]
        self._follow(batch, [(i, one) for i, one in prepared if isinstance(one, Future)])
        costly = [(i, one) for i, one in prepared if not isinstance(one, Future)]
        with self._change:
            if costly and not batch.is_dropped:
                self._costly.setdefault(batch, deque()).extend(costly)

    def _start(self, batch: Batch, pieces: list[tuple[int, Start]]) -> None:
        self._follow(batch, [(index, _called(start)) for index, start in pieces])

    def _follow(self, batch: Batch, futures: list[Done]) -> None:
        """Tells the batch what is done, now or later."""
        done = []
        for index, future in futures:
            if future.done():
                done.append((index, future))
            else:
                future.add_done_callback(partial(self._finish, batch, index))
        if done:
            batch.finish(*done)

    def _finish(self, batch: Batch, index: int, done: "Future[Any]") -> None:
        with self._change:
            self._change.notify()
        batch.finish((index, done))


def _take(queue: OrderedDict[Batch, deque[T]], most: int) -> tuple[Batch, list[T]]:
    """Of the batch whose turn it is, which then is the last of all."""
    batch, pieces = queue.popitem(last=False)
    taken = [pieces.popleft() for _ in range(min(most, len(pieces)))]
    if pieces:
        queue[batch] = pieces
    return batch, taken


def _called(function: Callable[[], T]) -> "T | Future[Any]":
    try:
        return function()
    except Exception as error:  # noqa: BLE001 - handed to whoever waits for the result
        failed: Future[Any] = Future()
        failed.set_exception(error)
        return failed
