"""pid 1 of a sandbox container: runs the tests that the host sends, one at a time.

Frames on stdin:   program {mode, fn, cpu_s, wall_s, starved_wall_s, output_bytes} + code
                   test {i} + input · end · stop
Frames on stdout:  ready {python} · result {i, status, …} + stdout, stderr, value · done {is_clean, memory_mib}

It never sees an expected output. All reading and writing is non-blocking; nothing that a program
does or leaves undone can hold it up.
"""

import itertools
import os
import select
import sys
import time
from collections import deque

sys.path.insert(0, "/opt/evalkit")

from runner import cleaning
from runner.attempt import Attempt
from runner.forking import ForkServer
from runner.streams import CHUNK_BYTES, Frames, Outlet, frame

PROGRAM_FILE = "/program/main.py"
_FLUSH_BYTES = 1 << 16
_FLUSH_S = 0.01
_MAX_WAITING_BYTES = 8 << 20  # for a host that does not read; outputs count to the memory limit


class Supervisor:
    def __init__(self, uids: range) -> None:
        os.set_blocking(0, False)
        self._host = Outlet(1)
        self._frames = Frames()
        self._forks = ForkServer()
        self._uids = itertools.cycle(uids)
        self._uid = 0
        self._program: dict | None = None
        self._code = b""
        self._tests: deque[tuple[int, bytes]] = deque()
        self._is_ended = False
        self._attempt: Attempt | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._flushed_at = 0.0

    def run(self) -> None:
        self._send({"op": "ready", "python": sys.version.split()[0]}, now=True)
        while True:
            self._advance()
            self._wait()

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(0, select.POLLIN)
        if self._host.is_pending:
            poll.register(1, select.POLLOUT)
        timeout_s = 10.0
        if self._attempt:
            self._attempt.register(poll)
            timeout_s = self._attempt.next_check_s()
        if self._held:
            timeout_s = min(timeout_s, _FLUSH_S)
        events = dict(poll.poll(max(0.0, timeout_s) * 1000))
        if 0 in events:
            self._read_host()
        if self._attempt:
            self._attempt.handle(events)
        if self._held and time.monotonic() - self._flushed_at >= _FLUSH_S:
            self._flush()
        self._host.pump()

    def _read_host(self) -> None:
        try:
            data = os.read(0, CHUNK_BYTES)
        except BlockingIOError:
            return
        if not data:
            os._exit(0)  # the host is gone; with pid 1 the container ends
        self._frames.feed(data)
        while taken := self._frames.take():
            self._obey(*taken)

    def _obey(self, head: dict, payload: bytes) -> None:
        if head["op"] == "program":
            self._program, self._code, self._is_ended = head, payload, False
            with open(PROGRAM_FILE, "wb") as stream:
                stream.write(payload)
        elif head["op"] == "test":
            self._tests.append((head["i"], payload))
        elif head["op"] == "end":
            self._is_ended = True
        elif head["op"] == "stop":
            self._is_ended = True
            self._tests.clear()
            if self._attempt:
                self._attempt.abandon()

    def _advance(self) -> None:
        while self._program:
            if self._attempt and not self._attempt.is_idle and not self._attempt.is_over:
                return
            if self._attempt and self._attempt.outcome:
                self._report()
            if self._attempt and self._attempt.is_over:
                self._attempt.close()
                self._attempt = None
                self._clean()
            elif self._host.num_waiting_bytes > _MAX_WAITING_BYTES:
                return
            elif self._tests:
                self._start_test()
            elif self._is_ended and self._attempt:
                self._attempt.abandon()
            elif self._is_ended:
                self._finish()
            else:
                return

    def _start_test(self) -> None:
        index, test = self._tests.popleft()
        if self._attempt is None:
            self._uid = next(self._uids)
            self._attempt = Attempt(self._forks, self._uid, self._program, self._code)
        self._attempt.start(index, test)

    def _report(self) -> None:
        outcome = self._attempt.take_outcome()
        stdout, stderr, value = (bytes(outcome.pop(name)) for name in ("stdout", "stderr", "value"))
        head = {"op": "result", "out": len(stdout), "err": len(stderr), "val": len(value)}
        self._send({**head, **outcome}, stdout + stderr + value)

    def _clean(self) -> None:
        if cleaning.leftover_processes(self._forks.pid) or not self._forks.is_alive():
            cleaning.kill_everything()
            self._forks.restart()
        cleaning.remove_files(self._uid)

    def _finish(self) -> None:
        os.unlink(PROGRAM_FILE)
        self._program, self._code = None, b""
        memory_mib = cleaning.memory_mib()
        self._send(
            {
                "op": "done",
                "is_clean": cleaning.is_clean(self._forks.pid),
                "memory_mib": memory_mib,
            },
            now=True,
        )

    def _send(self, head: dict, payload: bytes = b"", *, now: bool = False) -> None:
        data = frame(head, payload)
        self._held.append(data)
        self._held_bytes += len(data)
        if now or self._held_bytes > _FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        self._host.send(b"".join(self._held))
        self._held, self._held_bytes = [], 0
        self._flushed_at = time.monotonic()
        self._host.pump()


if __name__ == "__main__":
    first_uid, num_uids = (
        int(os.environ.pop(f"EVALKIT_{one}")) for one in ("FIRST_UID", "NUM_UIDS")
    )
    Supervisor(range(first_uid, first_uid + num_uids)).run()
