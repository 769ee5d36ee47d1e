"""Requests to worker processes, and what becomes of one whose process hangs or dies."""

import threading
from concurrent.futures import CancelledError
from typing import Any

from evalkit.graders.process import Supervisor, Worker, WorkerExitedError, WorkerLostError

_NUM_ATTEMPTS = 2


class RequestFailedError(Exception):
    """No attempt gave a reply; the text says why."""


class Workers:
    """As many processes as there are threads that ask. Safe from any thread.

    A request that hangs or whose process dies is tried once more in a fresh one.
    """

    def __init__(self, memory_mib: int, deadline_s: float) -> None:
        self._memory_mib = memory_mib
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._supervisor: Supervisor | None = None
        self._idle: list[Worker] = []
        self._is_closed = False

    def ask(self, *request: Any) -> Any:
        """Raises RequestFailedError after two attempts, CancelledError when closed meanwhile."""
        reason = ""
        for _ in range(_NUM_ATTEMPTS):
            try:
                return self._ask_once(list(request))
            except WorkerLostError as error:
                reason = str(error)
            if self._is_closed:
                raise CancelledError
        raise RequestFailedError(f"twice: {reason}")

    def start(self) -> None:
        """Loads the parsers, so that the first request does not wait for it."""
        self._running_supervisor()

    def close(self) -> None:
        """Ends all processes; a request under way is cancelled."""
        with self._lock:
            self._is_closed = True
            self._close_processes()

    def _ask_once(self, request: list[Any]) -> Any:
        supervisor = self._running_supervisor()
        worker = self._idle_worker() or supervisor.start_worker()
        try:
            reply = worker.ask(request, self._deadline_s)
        except WorkerExitedError as error:
            code = supervisor.end_worker(worker)
            raise WorkerLostError(f"the worker ended with exit code {code}") from error
        except WorkerLostError:
            supervisor.end_worker(worker)
            raise
        if reply["is_last"]:
            supervisor.end_worker(worker)
        else:
            with self._lock:
                self._idle.append(worker)
        if "error" in reply:
            raise WorkerLostError(reply["error"])
        return reply["value"]

    def _idle_worker(self) -> Worker | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _running_supervisor(self) -> Supervisor:
        with self._start_lock:
            if self._supervisor and self._supervisor.is_alive:
                return self._supervisor
            with self._lock:
                if self._is_closed:
                    raise CancelledError
                self._close_processes()
                self._supervisor = Supervisor(self._memory_mib, self._deadline_s)
            self._supervisor.wait_until_ready()
            return self._supervisor

    def _close_processes(self) -> None:
        while self._idle:
            self._idle.pop().close()
        if self._supervisor:
            self._supervisor.close()
