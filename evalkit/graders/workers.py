"""Requests to worker processes, and what becomes of one whose process hangs or dies."""

import threading
from concurrent.futures import CancelledError
from typing import Any

from evalkit.graders.process import Supervisor, Worker, WorkerExitedError, WorkerLostError
from evalkit.types import EvalkitError


class RequestFailedError(EvalkitError):
    """No attempt gave a reply; the text says why."""


class Workers:
    """As many processes as there are threads that ask. Safe from any thread.

    A request that hangs or whose process dies is tried once more in a fresh one. `num_failures`
    counts those attempts, and how often the process that starts the others was lost.
    """

    def __init__(self, memory_mib: int, deadline_s: float) -> None:
        self.num_failures = 0
        self._memory_mib = memory_mib
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._supervisor: Supervisor | None = None
        self._idle: list[Worker] = []  # of this supervisor
        self._is_closed = False

    def ask(self, *request: Any) -> Any:
        """Raises RequestFailedError after two attempts, CancelledError when closed meanwhile."""
        reason = ""
        for is_fresh in (False, True):
            try:
                return self._ask_once(list(request), is_fresh=is_fresh)
            except WorkerLostError as error:
                reason = str(error)
            with self._lock:
                if self._is_closed:
                    raise CancelledError
                self.num_failures += 1
        raise RequestFailedError(f"twice: {reason}")

    def start(self) -> None:
        """Loads the parsers, so that the first request does not wait for it."""
        self._running_supervisor()

    def close(self) -> None:
        """Ends all processes; a request under way is cancelled."""
        with self._lock:
            self._is_closed = True
            self._close_processes()

    def _ask_once(self, request: list[Any], *, is_fresh: bool) -> Any:
        supervisor, worker = self._worker(is_fresh=is_fresh)
        try:
            reply = worker.ask(request, self._deadline_s)
        except WorkerExitedError as error:
            code = self._end(supervisor, worker)
            raise WorkerLostError(f"the worker ended with exit code {code}") from error
        except WorkerLostError:
            self._end(supervisor, worker)
            raise
        if reply["is_last"]:
            self._end(supervisor, worker)
        else:
            self._keep(supervisor, worker)
        if "error" in reply:
            raise WorkerLostError(reply["error"])
        return reply["value"]

    def _worker(self, *, is_fresh: bool) -> tuple[Supervisor, Worker]:
        supervisor = self._running_supervisor()
        with self._lock:
            if self._idle and supervisor is self._supervisor and not is_fresh:
                return supervisor, self._idle.pop()
        try:
            return supervisor, supervisor.start_worker()
        except WorkerLostError:  # the supervisor may have died just now: no attempt of the request
            self._give_up(supervisor)
        supervisor = self._running_supervisor()
        return supervisor, supervisor.start_worker()

    def _keep(self, supervisor: Supervisor, worker: Worker) -> None:
        """A worker that has outlived its supervisor ends by itself when its socket is closed."""
        with self._lock:
            if supervisor is self._supervisor and not self._is_closed:
                self._idle.append(worker)
                return
        worker.close()

    def _end(self, supervisor: Supervisor, worker: Worker) -> int | None:
        code = supervisor.end_worker(worker)
        if code is None:
            self._give_up(supervisor)
        return code

    def _running_supervisor(self) -> Supervisor:
        with self._start_lock:
            supervisor = self._supervisor
            if supervisor and supervisor.is_alive:
                return supervisor
            if supervisor:
                self._give_up(supervisor)
            with self._lock:
                if self._is_closed:
                    raise CancelledError
                supervisor = self._supervisor = Supervisor(self._memory_mib, self._deadline_s)
            supervisor.wait_until_ready()
            return supervisor

    def _give_up(self, supervisor: Supervisor) -> None:
        """It is dead or silent: the next one that is needed is another."""
        with self._lock:
            if supervisor is self._supervisor and not self._is_closed:
                self._close_processes()
                self._supervisor = None
                self.num_failures += 1

    def _close_processes(self) -> None:
        while self._idle:
            self._idle.pop().close()
        if self._supervisor:
            self._supervisor.close()
