"""What a container may say: each answer of it is checked, as of one that was taken over."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from evalkit.sandbox.client import Host
from evalkit.sandbox.container import Container
from evalkit.sandbox.types import Limits, Mode, Program, Status
from evalkit.types import SandboxError

READY = {"op": "ready", "python": "3"}
RESULT = {
    **{"op": "result", "i": 0, "status": "ok", "detail": "", "out": 2, "err": 1, "val": 0},
    **{"cpu_s": 0.1, "wall_s": 0.2, "memory_mib": 3.0, "is_starved": False},
}
DONE = {"op": "done", "is_clean": True, "memory_mib": 20.0}
PROGRAM = Program("", Mode.PROCESS)


class Docker:
    """Stands for Docker's client, its containers and one of them, which says what it is told to."""

    id = "1"

    def __init__(self) -> None:
        self.containers = self
        self.is_removed = False
        self.out_of_memory_at: list[float] = []
        self._ours, self._theirs = socket.socketpair()

    def says(self, head: dict[str, Any], payload: bytes = b"") -> None:
        text = json.dumps(head).encode()
        frame = len(text).to_bytes(4, "big") + len(payload).to_bytes(4, "big") + text + payload
        self._theirs.sendall(b"\1\0\0\0" + len(frame).to_bytes(4, "big") + frame)

    def ends(self) -> None:
        self._theirs.shutdown(socket.SHUT_WR)

    def create(self, **options: Any) -> "Docker":
        return self

    def attach_socket(self, params: dict[str, int]) -> socket.socket:
        return self._ours

    def start(self) -> None:
        pass

    def events(self, **filters: Any) -> Iterator[dict[str, Any]]:
        return ({"timeNano": int(1e9 * when)} for when in self.out_of_memory_at)

    def remove(self, *, force: bool) -> None:
        self.is_removed = True

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def docker() -> Iterator[Docker]:
    made = Docker()
    yield made
    made.close()


def started(docker: Docker) -> Container:
    docker.says(READY)
    return Container(docker, "image", slot=0, memory_mib=64, host=Host())  # type: ignore[arg-type]


def test_a_result_is_taken_apart(docker: Docker) -> None:
    container = started(docker)
    docker.says(RESULT, b"out")
    docker.says(DONE)

    (found,) = container.run(PROGRAM, [b"input"], Limits())

    assert (found.stdout, found.stderr, found.value, found.cpu_s) == (b"ou", b"t", b"", 0.1)
    assert not container.is_worn


FUNCTION = Program("", Mode.PROCESS, "f")
OFFICIAL = Program("", Mode.OFFICIAL)
ENDS = [
    (PROGRAM, "ok", "", 0),
    (PROGRAM, "runtime_error", "exit code 3", 3),
    (PROGRAM, "runtime_error", "killed by signal 11", -11),
    (PROGRAM, "runtime_error", "exit code 3: and more", None),
    (PROGRAM, "time_limit", "cpu", None),
    (PROGRAM, "memory_limit", "exit code 3", None),
    (FUNCTION, "ok", "", None),
    (FUNCTION, "runtime_error", "exit code 0", None),
    (OFFICIAL, "ok", "", None),
    (OFFICIAL, "runtime_error", "exit code 0", None),
]


@pytest.mark.parametrize(("program", "status", "detail", "exit_code"), ENDS)
def test_only_a_plain_process_that_ended_by_itself_has_an_exit_code(
    docker: Docker, program: Program, status: str, detail: str, exit_code: int | None
) -> None:
    """A function that is called can write what it likes where its result is read."""
    container = started(docker)
    docker.says({**RESULT, "status": status, "detail": detail}, b"123")
    docker.says(DONE)

    (found,) = container.run(program, [b"input"], Limits())

    assert found.exit_code == exit_code


BAD = {
    "another test": ({**RESULT, "i": 7}, b"123", "answered for test 7 unasked"),
    "no test": ({**RESULT, "i": None}, b"123", "unasked"),
    "less than announced": (RESULT, b"12", "another length"),
    "more than announced": (RESULT, b"1234", "another length"),
    "a negative length": ({**RESULT, "out": 4, "err": -1}, b"123", "another length"),
    "a length that is none": ({**RESULT, "out": "2"}, b"123", "incomplete"),
    "a status that is none": ({**RESULT, "status": "fine"}, b"123", "incomplete"),
    "a time that is none": ({**RESULT, "cpu_s": "soon"}, b"123", "incomplete"),
    "nothing of a result": ({"op": "result"}, b"", "incomplete"),
    "another frame": (DONE, b"", "'done' instead of 'result'"),
}


@pytest.mark.parametrize(("head", "payload", "message"), BAD.values(), ids=BAD)
def test_an_answer_that_cannot_be_is_an_error_of_the_sandbox(
    docker: Docker, head: dict[str, Any], payload: bytes, message: str
) -> None:
    container = started(docker)
    docker.says(head, payload)

    with pytest.raises(SandboxError, match=message):
        list(container.run(PROGRAM, [b"input"], Limits()))
    assert container.is_worn


@pytest.mark.parametrize(
    ("said", "is_worn"),
    [
        (DONE, False),
        ({**DONE, "is_clean": False}, True),
        ({**DONE, "memory_mib": 500.0}, True),
        ({"op": "ready"}, True),
    ],
    ids=["clean", "something is left", "much memory", "another frame"],
)
def test_the_end_says_whether_the_container_can_go_on(
    docker: Docker, said: dict[str, Any], is_worn: bool
) -> None:
    container = started(docker)
    docker.says(RESULT, b"123")
    docker.says(said)

    assert len(list(container.run(PROGRAM, [b"input"], Limits()))) == 1
    assert container.is_worn is is_worn


def test_a_container_that_was_killed_for_lack_of_memory_is_the_program_s_doing(
    docker: Docker,
) -> None:
    """What comes after that test is not known."""
    container = started(docker)
    docker.out_of_memory_at = [time.time() + 60]
    docker.ends()
    executions = container.run(PROGRAM, [b"input"], Limits())

    assert next(executions).status is Status.MEMORY_LIMIT
    with pytest.raises(SandboxError, match="ended"):
        next(executions)


@pytest.mark.parametrize("out_of_memory_at", [[], [1.0]], ids=["never", "before the program"])
def test_a_container_that_ended_otherwise_says_nothing_of_the_program(
    docker: Docker, out_of_memory_at: list[float]
) -> None:
    container = started(docker)
    docker.out_of_memory_at = out_of_memory_at
    docker.ends()

    with pytest.raises(SandboxError, match="ended"):
        next(container.run(PROGRAM, [b"input"], Limits()))


def test_a_container_that_does_not_get_ready_is_removed(docker: Docker) -> None:
    docker.says(DONE)

    with pytest.raises(SandboxError, match="'done' instead of 'ready'"):
        started(docker)  # its "ready" comes too late
    assert docker.is_removed
