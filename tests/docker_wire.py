"""A way to Docker that can be cut and mended, as where its daemon ends and starts again."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest


class Wire:
    """A socket that passes everything on to Docker's, until it is cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pairs: list[socket.socket] = []
        self.mend()

    def mend(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        for one in (self._listener, *self._pairs):
            with closing(one), suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()
        self.path.unlink()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            docker = socket.socket(socket.AF_UNIX)
            docker.connect("/var/run/docker.sock")
            self._pairs += [client, docker]
            for ends in ((client, docker), (docker, client)):
                threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def opened_wire(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """What connects to Docker in the block does so through the wire."""
    if "DOCKER_HOST" in os.environ or not Path("/var/run/docker.sock").exists():
        pytest.skip("Docker is not at its usual place")
    made = Wire(folder / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{made.path}")
    yield made
    made.cut()
