"""One child process at work: a single test, or in mode `official` one test after the other."""

import os
import select
import signal

from runner import cleaning
from runner.forking import ForkServer
from runner.stopwatch import Stopwatch
from runner.streams import Inlet, Outlet

_STDERR_BYTES = 1 << 16
_DETAIL_BYTES = 500
_TICK_S = 0.1
_RECORD_BYTES = 5


class Attempt:
    """`outcome` is what became of the current test, `is_over` that the process has ended.

    Time is the child's CPU time; wall time is a backstop for programs that wait. Between tests in
    mode `official` the child `is_idle`.
    """

    def __init__(self, forks: ForkServer, uid: int, program: dict, code: bytes) -> None:
        self._forks = forks
        self._program = program
        self._limit = program["output_bytes"]
        self._serves_all = program["mode"] == "official"
        self._has_records = self._serves_all or bool(program["fn"])
        self._num_kills = cleaning.num_memory_kills()
        self._open_pipes(uid)
        self._control.send(len(code).to_bytes(4, "big") + code)
        self._watch = Stopwatch(self.pid)
        self._is_abandoned = self._is_exited = False
        self._report: dict = {}
        self.outcome: dict | None = None
        self.is_idle = True
        self.is_over = False

    def _open_pipes(self, uid: int) -> None:
        (stdin_r, stdin_w), (out_r, out_w), (err_r, err_w), (ctl_r, ctl_w), (res_r, res_w) = (
            os.pipe() for _ in range(5)
        )
        theirs = [stdin_r, out_w, err_w, ctl_r, res_w]
        for fd in theirs[:3]:
            os.fchmod(fd, 0o666)  # else /dev/stdin cannot be opened by another user
        self._stdin, self._control = Outlet(stdin_w), Outlet(ctl_w)
        self._out, self._err = Inlet(out_r, self._limit), Inlet(err_r, _STDERR_BYTES)
        self._results = Inlet(res_r, self._limit + _RECORD_BYTES)
        self._open = {
            one.fd for one in (self._stdin, self._control, self._out, self._err, self._results)
        }
        order = {"uid": uid, "mode": self._program["mode"], "fn": self._program["fn"]}
        try:
            self.pid = self._forks.fork(order, theirs)
        finally:
            for fd in theirs:
                os.close(fd)

    def start(self, index: int, test: bytes) -> None:
        self._index = index
        self.is_idle = False
        self._verdict: tuple[str, str] | None = None
        self._watch.start()
        if self._has_records:
            self._control.send(len(test).to_bytes(4, "big") + test)
            self._close(self._stdin)
        else:
            self._stdin.send(test)
        for outlet in (self._control, self._stdin):
            self._pump(outlet)

    def abandon(self) -> None:
        """Nobody waits for an outcome any more."""
        self._is_abandoned = True
        self.is_idle = False
        if not self._is_exited:
            self._kill()

    def register(self, poll: "select.poll") -> None:
        poll.register(self._forks.fileno(), select.POLLIN)
        for inlet in (self._out, self._err, self._results):
            if inlet.fd in self._open:
                poll.register(inlet.fd, select.POLLIN)
        for outlet in (self._stdin, self._control):
            if outlet.fd in self._open and outlet.is_pending:
                poll.register(outlet.fd, select.POLLOUT)

    def next_check_s(self) -> float:
        if self.is_idle or self._is_exited:
            return 10.0
        return _TICK_S

    def handle(self, events: dict) -> None:
        for outlet in (self._stdin, self._control):
            if outlet.fd in events:
                self._pump(outlet)
        for inlet in (self._out, self._err, self._results):
            if inlet.fd in events:
                self._read(inlet)
        if self._forks.fileno() in events:
            self._take_exit()
        if not (self.is_idle or self._is_exited or self._is_abandoned or self.outcome):
            self._check_limits()

    def _pump(self, outlet: Outlet) -> None:
        if outlet.fd not in self._open:
            return
        outlet.pump()
        if not outlet.is_pending and (outlet is self._stdin or not self._has_records):
            self._close(outlet)

    def _read(self, inlet: Inlet) -> None:
        if inlet.fd in self._open and not inlet.pump():
            self._close(inlet)
        if inlet is self._results and not self.is_idle:
            self._take_record()
        if (self._out.is_over or self._results.is_over) and not self._verdict:
            self._stop("output_limit", f"more than {self._limit} bytes")

    def _take_record(self) -> None:
        data = self._results.data
        while len(data) >= _RECORD_BYTES and not self.outcome:
            end = _RECORD_BYTES + int.from_bytes(data[1:_RECORD_BYTES], "big")
            if end > self._limit + _RECORD_BYTES:
                self._stop("output_limit", f"more than {self._limit} bytes")
                return
            if len(data) < end:
                return
            kind, content = data[:1], bytes(data[_RECORD_BYTES:end])
            del data[:end]
            self._results.num_bytes = len(data)
            if kind == b"L":
                self._watch.loaded()
            elif kind == b"E":
                self._conclude("runtime_error", content[-_DETAIL_BYTES:].decode("utf-8", "replace"))
            elif kind == b"V":
                self._conclude("ok", "", value=content)
            elif kind == b"O":
                self._conclude("ok", "", stdout=content)

    def _check_limits(self) -> None:
        if self._verdict:
            return
        names = ("cpu_s", "wall_s", "starved_wall_s")
        if what := self._watch.exceeded(*(self._program[name] for name in names)):
            self._stop("time_limit", what)

    def _stop(self, status: str, detail: str) -> None:
        self._verdict = (status, detail)
        self._kill()

    def _kill(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _take_exit(self) -> None:
        report = self._exit_report()
        if report is None:
            return
        self._report = report
        self._is_exited = self.is_over = True
        if self.is_idle or self._is_abandoned:
            return
        for inlet in (self._out, self._err, self._results):
            self._drain(inlet)
        self._take_record()
        if not self.outcome:
            self._conclude(*self._verdict_of_exit())

    def _exit_report(self) -> dict | None:
        """A fork server that has ended is the program's doing where memory ran out; else an error."""
        try:
            return self._forks.exit_report()
        except OSError:
            if cleaning.num_memory_kills() <= self._num_kills:
                raise
            return {"status": signal.SIGKILL, "memory_mib": 0.0}

    def _drain(self, inlet: Inlet) -> None:
        """What lies in the pipe; not what a survivor may still write."""
        while inlet.fd in self._open and not inlet.is_over and _has_more(inlet.fd):
            if not inlet.pump(1):
                self._close(inlet)

    def _verdict_of_exit(self) -> "tuple[str, str]":
        if self._out.is_over or self._results.is_over:
            return "output_limit", f"more than {self._limit} bytes"
        if cleaning.num_memory_kills() > self._num_kills:
            return "memory_limit", "the memory of the container was used up"
        if self._verdict:
            return self._verdict
        status = os.waitstatus_to_exitcode(self._report["status"])
        if status < 0:
            return "runtime_error", f"killed by signal {-status}"
        if status:
            return "runtime_error", f"exit code {status}"
        if self._has_records:
            return "runtime_error", "exited without a result"
        return "ok", ""

    def _conclude(
        self, status: str, detail: str, *, stdout: bytes | None = None, value: bytes = b""
    ) -> None:
        self.outcome = {
            "i": self._index,
            "status": status,
            "detail": detail,
            "cpu_s": round(self._watch.cpu_s(self._report.get("cpu_s")), 4),
            "wall_s": round(self._watch.wall_s(), 4),
            "memory_mib": round(self._report.get("memory_mib", 0.0), 1),
            "is_starved": self._watch.is_starved,
            "stdout": self._out.data if stdout is None else stdout,
            "stderr": self._err.data,
            "value": value,
        }
        if not self._is_exited:
            self.is_idle = self._serves_all
            if not self._serves_all:
                self._kill()

    def take_outcome(self) -> dict:
        outcome, self.outcome = self.outcome, None
        self._out.clear()
        self._err.clear()
        return outcome

    def _close(self, stream: "Outlet | Inlet") -> None:
        if stream.fd in self._open:
            self._open.discard(stream.fd)
            os.close(stream.fd)

    def close(self) -> None:
        for fd in self._open:
            os.close(fd)
        self._open.clear()


def _has_more(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])
