"""When the runner calls a program too slow, and when it blames the machine. The clock is a table."""

import importlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from evalkit.resources import resource_dir

LIMITS = (1.0, 4.0, 20.0)  # CPU time, wall time, wall time of a program that gets no CPU


class Clock:
    """Stands for the module `time`, and for the file in which the kernel counts CPU time."""

    def __init__(self, cpu_file: Path) -> None:
        self._cpu_file = cpu_file
        self.own_s = self.wall_s = self.supervisor_s = 0.0
        self.container_s = 0.0

    def monotonic(self) -> float:
        return self.wall_s

    def process_time(self) -> float:
        return self.supervisor_s

    def clock_gettime(self, clock: int) -> float:
        return self.own_s

    @property
    def container_s(self) -> float:
        return int(self._cpu_file.read_text()) / 1e9

    @container_s.setter
    def container_s(self, value: float) -> None:
        self._cpu_file.write_text(str(round(value * 1e9)))


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(resource_dir("sandboxes") / "python")
    return importlib.import_module("runner.stopwatch")


@pytest.fixture
def clock(stopwatch: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(tmp_path / "usage")
    monkeypatch.setattr(stopwatch, "time", made)
    monkeypatch.setattr(stopwatch.cleaning, "_CPU_FILE_1", str(tmp_path / "usage"))
    return made


@pytest.fixture
def ready(stopwatch: ModuleType, clock: Clock) -> Any:
    """Of a process that wants the CPU: this one, while it looks."""
    return stopwatch.Stopwatch(os.getpid())


@pytest.fixture
def waiting(stopwatch: ModuleType, clock: Clock) -> Iterator[Any]:
    with subprocess.Popen(["sleep", "600"]) as program:
        program.send_signal(signal.SIGSTOP)
        os.waitpid(program.pid, os.WUNTRACED)
        yield stopwatch.Stopwatch(program.pid)
        program.kill()


def after(clock: Clock, watch: Any, wall_s: float, *, busy: float) -> str:
    """What is exceeded after this time, of which all processes worked for the share `busy`."""
    while clock.wall_s < wall_s:
        clock.wall_s += 0.1
        clock.container_s = busy * clock.wall_s
        watch.exceeded(100.0, 100.0, 100.0)
    return str(watch.exceeded(*LIMITS))


def test_nothing_is_exceeded_within_the_limits(clock: Clock, ready: Any) -> None:
    assert after(clock, ready, 3.5, busy=0.2) == ""


def test_work_of_other_processes_counts(clock: Clock, waiting: Any) -> None:
    assert after(clock, waiting, 2.0, busy=0.9) == "cpu"


def test_work_of_the_supervisor_does_not_count(clock: Clock, ready: Any) -> None:
    clock.supervisor_s = 1.5

    assert after(clock, ready, 2.0, busy=0.9) == ""


def test_short_work_is_that_of_the_process_itself(clock: Clock, ready: Any) -> None:
    clock.own_s, clock.wall_s, clock.container_s = 0.1, 0.4, 0.3

    assert ready.cpu_s() == 0.1


def test_a_program_that_waits_exceeds_the_wall_time(clock: Clock, waiting: Any) -> None:
    assert after(clock, waiting, 4.5, busy=0.01) == "wall"
    assert not waiting.is_starved


def test_a_program_that_gets_no_cpu_may_wait_for_longer(clock: Clock, ready: Any) -> None:
    assert after(clock, ready, 19.0, busy=0.01) == ""
    assert ready.is_starved
    assert after(clock, ready, 20.5, busy=0.01) == "wall"


def test_a_container_that_worked_was_not_kept_from_it(clock: Clock, ready: Any) -> None:
    """As where a program keeps the supervisor busy."""
    clock.supervisor_s = 4.0

    assert after(clock, ready, 4.5, busy=0.9) == "wall"
    assert not ready.is_starved


def test_each_test_starts_anew_and_loading_counts_once(clock: Clock, ready: Any) -> None:
    clock.wall_s = 3.0
    ready.loaded()
    clock.wall_s = 5.0
    ready.loaded()

    assert ready.wall_s() == 2.0
    ready.start()
    assert ready.wall_s() == 0.0
