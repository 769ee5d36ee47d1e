"""One warm container: runs one program at a time, test by test, and says when it has to be replaced."""

import socket
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from evalkit.sandbox.client import Host, close_attached, docker_errors
from evalkit.sandbox.options import container_options
from evalkit.sandbox.results import out_of_memory, read_result
from evalkit.sandbox.stream import SandboxStream
from evalkit.sandbox.types import Execution, Limits, Program
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

_ALL_STREAMS = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
_MAX_PAYLOAD_BYTES = 128 << 20
_MAX_MEMORY_MIB = 200
_START_S = 30.0
_SILENCE_S = 10.0
_WINDOW_TESTS = 64
_WINDOW_BYTES = 4 << 20


class Container:
    """A locked-down container with the runner as pid 1. Raises SandboxError where it fails.

    `is_worn` says that a program left something behind, or that a run was cut short: replace it.
    """

    def __init__(
        self,
        client: "DockerClient",
        image: str,
        *,
        slot: int,
        memory_mib: int,
        host: Host,
        runtime: str | None = None,
        language: str = "python",
    ) -> None:
        self.is_worn = False
        options = container_options(
            image=image,
            slot=slot,
            memory_mib=memory_mib,
            host=host,
            runtime=runtime,
            language=language,
        )
        self._client = client
        with docker_errors():
            self._container = client.containers.create(**options)
        self._attached: Any = None
        try:
            with docker_errors():
                self._attached = self._container.attach_socket(params=_ALL_STREAMS)
                self._container.start()
            self._connection: socket.socket = getattr(self._attached, "_sock", self._attached)
            self._stream = SandboxStream(self._connection, _MAX_PAYLOAD_BYTES)
            self._receive("ready", _START_S)
        except SandboxError:
            self.close()
            raise

    def run(
        self, program: Program, inputs: Iterable[bytes], limits: Limits
    ) -> Generator[Execution]:
        """One Execution per input, in order; closing the iterator early stops the program."""
        self.is_worn = True
        self._run_from = time.time()
        self._stream.send(
            {
                "op": "program",
                "mode": program.mode.value,
                "fn": program.fn_name,
                "cpu_s": limits.killed_at_cpu_s,
                "wall_s": limits.wall_s,
                "starved_wall_s": limits.starved_wall_s,
                "output_bytes": limits.output_mib << 20,
            },
            program.code.encode("utf-8", "surrogatepass"),
        )
        try:
            yield from self._run_tests(
                iter(enumerate(inputs)), limits, has_exit_code=program.has_exit_code
            )
        except GeneratorExit:
            self._finish(limits, is_cut_short=True)
            raise
        self._finish(limits)

    def _run_tests(
        self, tests: Iterator[tuple[int, bytes]], limits: Limits, *, has_exit_code: bool
    ) -> Generator[Execution]:
        """Keeps a window of tests on their way, so that nobody waits for the other's turn."""
        sizes: dict[int, int] = {}
        is_ended = False
        while True:
            while not is_ended and (
                len(sizes) < _WINDOW_TESTS and sum(sizes.values()) < _WINDOW_BYTES
            ):
                index, test = next(tests, (-1, b""))
                is_ended = index < 0
                if is_ended:
                    self._stream.send({"op": "end"})
                else:
                    self._stream.send({"op": "test", "i": index}, test)
                    sizes[index] = len(test)
            if not sizes:
                return
            try:
                head, payload = self._receive("result", limits.starved_wall_s + _SILENCE_S)
            except SandboxError:
                if self._ran_out_of_memory():
                    yield out_of_memory(min(sizes))
                raise
            execution = read_result(head, payload, has_exit_code=has_exit_code)
            if sizes.pop(execution.index, None) is None:
                raise SandboxError(f"the container answered for test {execution.index} unasked")
            yield execution

    def _ran_out_of_memory(self) -> bool:
        """Whether the kernel killed in this container for lack of memory: the program's doing."""
        with suppress(SandboxError), docker_errors():
            past = self._client.events(
                since=int(self._run_from),
                until=int(time.time()) + 1,
                filters={"container": self._container.id, "event": "oom"},
                decode=True,
            )
            return any(event["timeNano"] >= self._run_from * 1e9 for event in past)
        return False

    def _finish(self, limits: Limits, *, is_cut_short: bool = False) -> None:
        """What fails here fails after the results: it costs the container, not the verdict."""
        with suppress(SandboxError):
            if is_cut_short:
                self._stream.send({"op": "stop"})
            head: dict[str, Any] = {"op": "result"}
            while head.get("op") == "result":
                head, _ = self._receive(None, limits.wall_s + _SILENCE_S)
            is_clean = head.get("op") == "done" and head["is_clean"]
            self.is_worn = not is_clean or head["memory_mib"] > _MAX_MEMORY_MIB

    def _receive(self, op: str | None, timeout_s: float) -> tuple[dict[str, Any], bytes]:
        head, payload = self._stream.receive(timeout_s)
        if op and head.get("op") != op:
            raise SandboxError(f"the container said {head.get('op')!r} instead of {op!r}")
        return head, payload

    def interrupt(self) -> None:
        """From another thread: what waits for the container raises SandboxError, and then closes it.

        Closing it from there could leave that thread waiting on somebody else's connection.
        """
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Removes the container. One that Docker cannot remove now is removed at the next start."""
        with suppress(OSError):
            close_attached(self._attached)
        with suppress(SandboxError), docker_errors():
            self._container.remove(force=True)
