"""CPU time of processes and their children."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psutil

T = TypeVar("T")


def family(pid: int) -> list[psutil.Process]:
    """The process first; then its children and theirs."""
    top = psutil.Process(pid)
    return [top, *top.children(recursive=True)]


def cpu_s(pid: int) -> float:
    """Of a process and all below it, those that have ended included."""
    times = [or_none(one.cpu_times) for one in family(pid)]
    return sum(sum(one[:4]) for one in times if one)


def machine_cpu_s() -> float:
    """Of all processes of this machine."""
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice)


def or_none(measure: Callable[[], T]) -> T | None:
    """A process may end while it is looked at."""
    with suppress(psutil.NoSuchProcess):
        return measure()
    return None
