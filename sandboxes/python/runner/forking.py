"""The supervisor's side of the fork server."""

import json
import os
import select
import socket
import sys

ZYGOTE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zygote.py")


class ForkServer:
    """Starts children as an unprivileged user and says how they ended."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = mine
        self.pid = os.fork()
        if self.pid == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            theirs_fd = os.dup(theirs.fileno())
            for place, fd in enumerate((nothing, nothing, nothing, theirs_fd)):
                os.dup2(fd, place)
            os.closerange(4, 256)
            os.execv(sys.executable, [sys.executable, "-s", "-P", "-X", "utf8", ZYGOTE])
        theirs.close()

    def restart(self) -> None:
        self._socket.close()
        self._start()

    def is_alive(self) -> bool:
        return os.path.exists(f"/proc/{self.pid}")

    def fileno(self) -> int:
        return self._socket.fileno()

    def fork(self, order: dict, fds: list) -> int:
        """The new child's pid. Raises OSError where the fork server has died."""
        socket.send_fds(self._socket, [json.dumps(order).encode()], fds)
        return self._receive()["pid"]

    def exit_report(self) -> "dict | None":
        """How the last child ended, or None while it runs."""
        if not select.select([self._socket], [], [], 0)[0]:
            return None
        return self._receive()

    def _receive(self) -> dict:
        message = self._socket.recv(4096)
        if not message:
            raise OSError("the fork server has ended")
        return json.loads(message)
