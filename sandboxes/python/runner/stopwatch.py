"""How long a program has worked and waited: its CPU time, and wall time as a backstop."""

import time

from runner import cleaning

_MIN_TICKS = 5
_SHORT_S = 0.5


class Stopwatch:
    """Of one process; `start` for each test.

    The process's own clock is exact and cheap; what runs longer than half a second is measured by
    all that the container used, so that processes of the program's making count as well.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._clock = (~pid << 3) | 2  # the CPU clock of another process, as clock_getcpuclockid(3)
        self._is_loaded = False
        self.start()

    def start(self) -> None:
        self._wall_from = time.monotonic()
        self._cpu_from = self._cpu()
        self._container_from = cleaning.container_cpu_s()
        self._supervisor_from = time.process_time()
        self._num_ticks = self._num_runnable = 0

    def loaded(self) -> None:
        """The program is loaded, and the test begins. Only once: programs could say so as well."""
        if not self._is_loaded:
            self._is_loaded = True
            self.start()

    def cpu_s(self, total_s: "float | None" = None) -> float:
        """Of this test; `total_s` is the process's own total, known when it has ended."""
        own_s = max(0.0, (self._cpu() if total_s is None else total_s) - self._cpu_from)
        if self.wall_s() < _SHORT_S:
            return own_s
        return max(own_s, self._container_s() - (time.process_time() - self._supervisor_from))

    def wall_s(self) -> float:
        return time.monotonic() - self._wall_from

    def exceeded(self, cpu_s: float, wall_s: float, starved_wall_s: float) -> str:
        """Which limit: "cpu", "wall" or none, "". A program that gets no CPU may wait for longer."""
        passed_s = self.wall_s()
        if passed_s > 1:
            self._watch_state()
        if self.cpu_s() > cpu_s:
            return "cpu"
        return "wall" if passed_s > (starved_wall_s if self.is_starved else wall_s) else ""

    @property
    def is_starved(self) -> bool:
        """Ready to run most of the time, without getting the CPU."""
        is_runnable = self._num_ticks > _MIN_TICKS and self._num_runnable > 0.5 * self._num_ticks
        return is_runnable and self._container_s() < 0.5 * self.wall_s()

    def _container_s(self) -> float:
        """CPU time of all processes, the supervisor among them: a program can keep it busy."""
        return cleaning.container_cpu_s() - self._container_from

    def _watch_state(self) -> None:
        try:
            with open(f"/proc/{self._pid}/stat") as stream:
                state = stream.read().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return
        self._num_ticks += 1
        self._num_runnable += state == "R"

    def _cpu(self) -> float:
        try:
            return time.clock_gettime(self._clock)
        except OSError:
            return 0.0
