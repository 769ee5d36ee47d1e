"""`evalkit serve` as a process of its own: started, looked at, and ended with all that it started."""

import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from serve_cpu import cpu_s, family, or_none
from serve_http import HOST
from timing import BIN

from evalkit.sandbox.client import connect
from evalkit.sandbox.owner import OWNER, SANDBOX

_START_S = 60.0
_STOP_S = 60.0
_LEAVE_S = 5.0
_SUPERVISOR = "evalkit.graders.supervisor"
_ADDRESS = re.compile(r" at http://\S+:(\d+)\b")
_DEPTH = re.compile(rb"^evalkit_queue_depth(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory is resident; `num_fds` and `num_processes` are those of the server and all below it."""

    server_mib: float
    children_mib: float
    num_fds: int
    num_processes: int
    num_containers: int
    queue_depth: int


class Server:
    """Made by `started`, which also ends it."""

    def __init__(
        self, arguments: Sequence[str], process: "subprocess.Popen[bytes]", log: Path
    ) -> None:
        self.arguments = arguments
        self.port = 0
        self.is_stopped = False
        self._process = process
        self._log = log

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def supervisors(self) -> list[psutil.Process]:
        """Of grader workers, which are their children."""
        found = psutil.Process(self._process.pid).children()
        return [one for one in found if _SUPERVISOR in (or_none(one.cmdline) or ())]

    def containers(self) -> list[Any]:
        """Its sandboxes, as the docker library's objects; none where it runs no programs."""
        if not any("code" in one for one in self.arguments):
            return []
        with closing(connect()) as client:
            found = client.containers.list(filters={"label": f"{SANDBOX}=1"}, ignore_removed=True)
        mine = f"{self._process.pid}:"
        return [one for one in found if one.labels.get(OWNER, "").startswith(mine)]

    def cpu_s(self) -> float:
        """Of the server and all below it; not of containers, which are Docker's children."""
        return cpu_s(self._process.pid)

    def footprint(self) -> Footprint:
        """Raises SystemExit where the server has ended."""
        self._check_running()
        processes = family(self._process.pid)
        sizes = [or_none(one.memory_info) for one in processes]
        server_mib, *children_mib = [one.rss / 2**20 if one else 0.0 for one in sizes]
        return Footprint(
            server_mib=server_mib,
            children_mib=sum(children_mib),
            num_fds=sum(or_none(one.num_fds) or 0 for one in processes),
            num_processes=len(processes),
            num_containers=len(self.containers()),
            queue_depth=self._queue_depth(),
        )

    def wait_until_ready(self) -> None:
        """Learns the port, too, from what the server says."""
        end = time.monotonic() + _START_S
        while not self.port or _fetch(f"{self.url}/ready")[0] != 200:
            self._check_running()
            if time.monotonic() > end:
                raise SystemExit(f"the server does not get ready:\n{self._tail()}")
            time.sleep(0.05)
            if found := _ADDRESS.search(self._log.read_text()):
                self.port = int(found[1])

    def stop(self) -> None:
        """As a supervisor of services does. Raises SystemExit where it does not end in order."""
        self.is_stopped = True
        self._check_running()
        below = family(self._process.pid)[1:]
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        _, left = psutil.wait_procs(below, timeout=_LEAVE_S)
        for one in left:
            one.kill()
        containers = self.containers()
        if code or left or containers:
            names = [*(one.pid for one in left), *(one.short_id for one in containers)]
            raise SystemExit(f"the server ended with {code} and left {names}:\n{self._tail()}")

    def _queue_depth(self) -> int:
        _, text = _fetch(f"{self.url}/metrics")
        return int(sum(float(one) for one in _DEPTH.findall(text)))

    def _check_running(self) -> None:
        if (code := self._process.poll()) is not None:
            raise SystemExit(f"the server ended with {code}:\n{self._tail()}")

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]


@contextmanager
def started(*arguments: str, port: int = 0) -> Iterator[Server]:
    """A server that is ready, on any free port. It ends with this context, whatever happens in it."""
    command = [str(BIN / "evalkit"), "serve", "--port", str(port), *arguments]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for this process, which then stops the server
            )
        server = Server(arguments, process, log)
        try:
            server.wait_until_ready()
            yield server
        finally:
            if not server.is_stopped:
                server.stop()


def end_on_terminate() -> None:
    """Lets SIGTERM unwind this process as Ctrl-C does, so that nothing is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _fetch(url: str) -> tuple[int, bytes]:
    """Status and body; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError:
        return 0, b""
