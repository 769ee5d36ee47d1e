"""A pool of warm containers, one per slot, that survives programs, containers and Docker itself."""

import itertools
import os
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, Self

from evalkit.sandbox.client import connect, docker_errors, host_of, require_runtime
from evalkit.sandbox.container import Container
from evalkit.sandbox.image import find_image, sandbox_identity
from evalkit.sandbox.owner import prune_dead
from evalkit.sandbox.types import Execution, Limits, Mode, Program
from evalkit.types import SandboxError

DEFAULT_MEMORY_MIB = 2048
_CALIBRATION = "total = 0\nfor i in range(1_000_000):\n    total += i * i % 7\n"
MAX_GATHERED = 8
_PATIENCE_S = 60.0
_CLOSE_S = 10.0
_NUMBERS = itertools.count()  # of the containers of this process, whichever pool they are in
_RETRY_AFTER_S = (0.0, 1.0, 4.0)


class DockerSandbox:
    """Runs programs, `num_slots` at the same time; safe from any thread. Used with `with`.

    `runtime` is Docker's name of an OCI runtime, such as runsc; default: EVALKIT_SANDBOX_RUNTIME, else
    Docker's own. Raises SandboxError when made, where Docker, the image or the runtime is missing.
    `identity` changes with everything in the container that can change a verdict.
    """

    def __init__(
        self,
        *,
        num_slots: int | None = None,
        memory_mib: int = DEFAULT_MEMORY_MIB,
        runtime: str | None = None,
        language: str = "python",
    ) -> None:
        self.num_slots = num_slots or os.cpu_count() or 1
        self.memory_mib = memory_mib
        self._runtime = runtime or os.environ.get("EVALKIT_SANDBOX_RUNTIME") or None
        self.language = language
        self._client = connect()
        try:
            self._host = host_of(self._client)
            require_runtime(self._host, self._runtime)
            image = find_image(self._client, language)
            with docker_errors():
                prune_dead(self._client)
        except BaseException:
            self._client.close()
            raise
        self._image = image.name
        self._python = image.python
        self.identity = sandbox_identity(image)
        self._free: list[int] = list(range(self.num_slots))
        self._warm: dict[int, Container] = {}
        self._num_alone = self._num_gathered = 0
        self._gathering = 0  # counts how often there were enough of them
        self._is_closed = False
        self._change = threading.Condition()

    def run(
        self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
    ) -> Generator[Execution]:
        """One Execution per input, in order. Close the iterator to stop early.

        With `alone` no other program runs in this pool meanwhile. Raises SandboxError where the
        sandbox failed: nothing is known of the program then.
        """
        with self._slot(alone=alone) as slot:
            container = self._container(slot)
            try:
                with closing(container.run(program, inputs, limits)) as executions:
                    yield from executions
            finally:
                if container.is_worn:
                    self._discard(slot)

    def describe(self) -> dict[str, Any]:
        """The sandbox and how fast this machine is: CPU seconds of a fixed program, the best of three."""
        program = Program(_CALIBRATION, Mode.PROCESS)
        times = [one.cpu_s for one in self.run(program, [b""] * 3, Limits())]
        return {
            "image": self._image,
            "python": self._python,
            "sandbox_sha256": self.identity,
            "runtime": self._runtime or "runc",
            "docker": self._host.version,
            "memory_mib": self.memory_mib,
            "cpu_calibration_s": min(times),
        }

    @contextmanager
    def _slot(self, *, alone: bool) -> Iterator[int]:
        with self._change:
            slot = self._take(alone=alone)
        try:
            yield slot
        finally:
            with self._change:
                self._free.append(slot)
                self._num_alone -= alone
                self._change.notify_all()

    def _take(self, *, alone: bool) -> int:
        if alone:
            self._gather()
            self._num_alone += 1
            self._change.wait_for(lambda: self._is_idle or self._is_closed)
        else:
            self._change.wait_for(lambda: self._is_closed or (self._free and not self._num_alone))
        if self._is_closed:
            raise SandboxError("the sandbox was closed")
        return self._free.pop()

    @property
    def _is_idle(self) -> bool:
        return len(self._free) == self.num_slots

    def _gather(self) -> None:
        """Waits for idle slots without stopping anybody, or until there is reason to stop all others.

        To empty the pool costs as long as its longest program: better once for several.
        """
        gathering = self._gathering
        self._num_gathered += 1
        if self._num_gathered >= MAX_GATHERED:
            self._num_gathered = 0
            self._gathering += 1
            self._change.notify_all()
        self._change.wait_for(
            lambda: self._is_idle or self._is_closed or self._gathering > gathering,
            timeout=_PATIENCE_S,
        )
        if self._gathering == gathering:
            self._num_gathered -= 1

    def _container(self, slot: int) -> Container:
        if slot not in self._warm:
            self._warm[slot] = self._start()
        if self._is_closed:  # meanwhile
            self._discard(slot)
            raise SandboxError("the sandbox was closed")
        return self._warm[slot]

    def _start(self) -> Container:
        """Docker may be starting again: a few attempts before that counts as a failure."""
        for wait_s in _RETRY_AFTER_S:
            time.sleep(wait_s)
            if self._is_closed:
                break
            try:
                return Container(
                    self._client,
                    self._image,
                    slot=next(_NUMBERS),
                    memory_mib=self.memory_mib,
                    host=self._host,
                    runtime=self._runtime,
                    language=self.language,
                )
            except SandboxError as error:
                failure = error
        raise failure if not self._is_closed else SandboxError("the sandbox was closed")

    def _discard(self, slot: int) -> None:
        container = self._warm.pop(slot, None)
        if container:
            container.close()

    def close(self) -> None:
        """What still runs is cut short and raises SandboxError in its own thread."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
            for slot, container in list(self._warm.items()):
                if slot not in self._free:
                    container.interrupt()
            self._change.wait_for(lambda: self._is_idle, timeout=_CLOSE_S)
        with ExitStack() as stack:
            stack.callback(self._client.close)
            for slot in list(self._warm):
                stack.callback(self._discard, slot)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
