"""The process that loads the parsers once and forks a worker wherever the pool asks for one.

usage: python -m evalkit.graders.supervisor POOL_PID MEMORY_MIB DEADLINE_S, with a socket as stdin

Runs nothing that a model wrote. Ends, and ends all workers, when the pool is gone.
"""

import contextlib
import gc
import logging
import os
import select
import signal
import socket
import sys

from evalkit.graders.process import MESSAGE, START
from evalkit.graders.worker import serve, warm_up

# The socket of a pool that died stays open where it had forked a process of its own.
_LOOK_FOR_POOL_S = 1.0


def main() -> None:
    pool_pid, memory_mib, deadline_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    control = socket.socket(fileno=os.dup(0))
    os.dup2(1, 0)
    logging.disable()
    warm_up()
    os.dup2(1, 2)  # until here a failure is shown
    gc.collect()
    gc.freeze()  # so that no collection in a worker copies the pages that it shares
    control.sendall(MESSAGE.pack(os.getpid()))
    children: set[int] = set()
    try:
        while _is_asked(control, pool_pid):
            data, descriptors, _, _ = socket.recv_fds(control, MESSAGE.size, 1)
            if len(data) < MESSAGE.size:
                return
            (pid,) = MESSAGE.unpack(data)
            if pid == START:
                reply = _fork(control, descriptors[0], memory_mib, deadline_s)
                children.add(reply)
            else:
                reply = _end(pid)
                children.remove(pid)
            control.sendall(MESSAGE.pack(reply))
    finally:
        for pid in children:
            _end(pid)


def _is_asked(control: socket.socket, pool_pid: int) -> bool:
    """Waits for the next message; False where the pool has died."""
    while os.getppid() == pool_pid:
        if select.select([control], [], [], _LOOK_FOR_POOL_S)[0]:
            return True
    return False


def _fork(control: socket.socket, descriptor: int, memory_mib: int, deadline_s: float) -> int:
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    exit_code = 1
    try:
        control.close()
        serve(socket.socket(fileno=descriptor), memory_mib, deadline_s)
        exit_code = 0
    finally:
        os._exit(exit_code)


def _end(pid: int) -> int:
    """Kills a child that still runs; the exit code tells whether it did."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
