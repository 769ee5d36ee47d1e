"""Work under way in the background: a bounded amount at a time, recorded as each piece ends."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Any, Self, TypeVar

F = TypeVar("F", bound=Future[Any])


class Backlog:
    """At most `limit` pieces of work, used with `with`. They may be recorded in any order.

    Leaving the block without an error waits until everything is recorded. After an error nothing
    more is recorded, and what was cancelled never is: it is left to the command that resumes.
    `add` and the end of the block raise what went wrong first, while working or while recording:
    our own failure is never swallowed.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._places = threading.Semaphore(limit)
        self._failure: BaseException | None = None
        self._is_abandoned = False

    def add(self, submit: Callable[[], F], record: Callable[[F], None]) -> None:
        """Calls `submit` as soon as there is room, and `record` with its future when that ends.

        `record` is called in any thread, and must ask the future for its result.
        """
        self._places.acquire()
        try:
            self._raise_failure()
            future = submit()
        except BaseException:
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._finish(future, record))

    def _finish(self, future: F, record: Callable[[F], None]) -> None:
        try:
            if not self._is_abandoned:
                record(future)
        except CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
            self._failure = self._failure or error
        finally:
            self._places.release()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                for _ in range(self._limit):
                    self._places.acquire()
                self._raise_failure()
        finally:
            self._is_abandoned = True
