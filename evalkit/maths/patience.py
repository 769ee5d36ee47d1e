"""A limit on CPU time within a process, for libraries that may think for minutes."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class TooSlowError(BaseException):
    """No `Exception`, which Math-Verify would take for "different"."""


@contextmanager
def limited_cpu(limit_s: float) -> Iterator[None]:
    """Raises TooSlowError when the time is over. Off the main thread there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _stop(*_: object) -> NoReturn:
    raise TooSlowError
