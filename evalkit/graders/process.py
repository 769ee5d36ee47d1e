"""The pool's side of its processes: a supervisor with the parsers loaded, and workers forked from it.

All of them are ended by the supervisor when the pool closes its socket or dies.
"""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import Any

START = 0
"""What is sent to the supervisor to start a worker, with the worker's socket; else a pid to end."""

MESSAGE = struct.Struct("!i")
"""What is sent to the supervisor, and its reply: a pid, or the exit code of what it ended."""

_REPLY_LIMIT_S = 120.0
_CLOSE_LIMIT_S = 5.0
_READ_SIZE = 1 << 16


class WorkerLostError(Exception):
    """The worker gave no reply; the text says why."""


class WorkerExitedError(WorkerLostError):
    """The process is gone."""


class Worker:
    """One process, asked by one thread at a time."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self._channel = channel

    def ask(self, request: list[Any], deadline_s: float) -> dict[str, Any]:
        """The reply. Raises WorkerLostError where there is none by the deadline, in wall time."""
        end = time.monotonic() + deadline_s
        try:
            self._channel.settimeout(deadline_s)
            self._channel.sendall(json.dumps(request).encode() + b"\n")
            line = self._channel.recv(_READ_SIZE)
            while line and not line.endswith(b"\n"):
                self._channel.settimeout(max(end - time.monotonic(), 0.001))
                part = self._channel.recv(_READ_SIZE)
                line = line + part if part else b""
        except TimeoutError as error:
            raise WorkerLostError(f"no verdict within {deadline_s:g} s") from error
        except OSError as error:
            raise WorkerExitedError(f"the worker was gone: {error}") from error
        if not line:
            raise WorkerExitedError("the worker was gone")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def close(self) -> None:
        self._channel.close()


class Supervisor:
    """The process that forks the workers. Safe from any thread."""

    def __init__(self, memory_mib: int, deadline_s: float) -> None:
        self._lock = threading.Lock()
        self._control, theirs = _pair()
        module = "evalkit.graders.supervisor"
        command = [sys.executable, "-P", "-m", module, str(os.getpid()), str(memory_mib)]
        try:
            self._process = subprocess.Popen(
                [*command, str(deadline_s)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                # SymPy orders terms by hash: the same verdict in every process.
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )
        except OSError as error:
            self._control.close()
            raise WorkerLostError(f"cannot start a process: {error}") from error
        finally:
            theirs.close()
        self._control.settimeout(_REPLY_LIMIT_S)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Returns when the parsers are loaded, which is no part of a request's deadline."""
        try:
            self._receive()
        except WorkerLostError:
            self.close()
            raise

    def start_worker(self) -> Worker:
        ours, theirs = _pair()
        with theirs, self._lock:
            try:
                socket.send_fds(self._control, [MESSAGE.pack(START)], [theirs.fileno()])
                return Worker(self._receive(), ours)
            except (OSError, WorkerLostError) as error:
                ours.close()
                raise WorkerLostError(f"cannot start a worker: {error}") from error

    def end_worker(self, worker: Worker) -> int | None:
        """The exit code, negative for a signal; None where the supervisor itself is gone."""
        worker.close()
        with self._lock:
            try:
                self._control.sendall(MESSAGE.pack(worker.pid))
                return self._receive()
            except (OSError, WorkerLostError):
                return None

    def close(self) -> None:
        """Ends all workers. May be called at any time, from any thread, more than once."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)  # wakes threads that wait for a reply
        try:
            self._process.wait(_CLOSE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._control.close()

    def _receive(self) -> int:
        try:
            reply = self._control.recv(MESSAGE.size, socket.MSG_WAITALL)
        except OSError as error:
            raise WorkerLostError(
                f"no reply from the supervisor of the workers: {error}"
            ) from error
        if len(reply) < MESSAGE.size:
            raise WorkerLostError("the supervisor of the workers ended")
        return int(MESSAGE.unpack(reply)[0])


def _pair() -> tuple[socket.socket, socket.socket]:
    try:
        return socket.socketpair()
    except OSError as error:
        raise WorkerLostError(f"cannot open a socket: {error}") from error
