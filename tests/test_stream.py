"""Frames from a container: taken whole and in order, and nothing that it sends can hurt the host."""

import json
import socket
import struct
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.sandbox.stream import SandboxStream
from evalkit.types import SandboxError

STDOUT, STDERR = 1, 2
LIMIT = 1 << 20


def frame(head: Any, payload: bytes = b"") -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack(">II", len(text), len(payload)) + text + payload


def chunk(data: bytes, kind: int = STDOUT) -> bytes:
    """As Docker wraps what a container writes."""
    return struct.pack(">BxxxI", kind, len(data)) + data


class Ends:
    """A stream, and the end of its connection that belongs to Docker."""

    def __init__(self, max_payload_bytes: int = LIMIT) -> None:
        ours, self.docker = socket.socketpair()
        self._ours = ours
        self.stream = SandboxStream(ours, max_payload_bytes)

    def close(self) -> None:
        self._ours.close()
        self.docker.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def test_a_frame_arrives_as_it_was_sent(ends: Ends) -> None:
    ends.docker.sendall(chunk(frame({"op": "ready"}, b"\0payload")))

    assert ends.stream.receive(5) == ({"op": "ready"}, b"\0payload")


FRAMES = st.lists(
    st.tuples(st.dictionaries(st.text(), st.integers() | st.text()), st.binary()), max_size=5
)


@given(FRAMES, st.randoms(use_true_random=False))
def test_frames_arrive_however_they_are_cut_up(
    frames: list[tuple[dict[str, Any], bytes]], random: Any
) -> None:
    ends = Ends()
    try:
        sent = _in_pieces(b"".join(frame(*one) for one in frames), random, _wrapped)
        pieces = _in_pieces(b"".join(sent), random, bytes)
        sender = threading.Thread(target=lambda: [ends.docker.sendall(one) for one in pieces])
        sender.start()

        assert [ends.stream.receive(5) for _ in frames] == frames
        sender.join(5)
    finally:
        ends.close()


def _wrapped(data: bytes) -> bytes:
    """With something on stderr in between."""
    return chunk(data) + chunk(b"noise", STDERR)


def _in_pieces(data: bytes, random: Any, make: Any) -> list[bytes]:
    pieces = []
    while data:
        length = random.randint(1, max(1, min(len(data), 40)))
        pieces.append(make(data[:length]))
        data = data[length:]
    return pieces


def test_what_is_sent_has_lengths_before_it(ends: Ends) -> None:
    ends.stream.send({"op": "test", "i": 3}, b"input")

    assert ends.docker.recv(1000) == frame({"op": "test", "i": 3}, b"input")


def test_an_announced_payload_is_refused_before_it_is_read(ends: Ends) -> None:
    ends.docker.sendall(chunk(struct.pack(">II", 2, LIMIT + 1)))

    with pytest.raises(SandboxError, match=f"announced 2 \\+ {LIMIT + 1} bytes"):
        ends.stream.receive(5)


def test_an_announced_head_is_refused_before_it_is_read(ends: Ends) -> None:
    ends.docker.sendall(chunk(struct.pack(">II", 2**32 - 1, 0)))

    with pytest.raises(SandboxError, match="announced 4294967295"):
        ends.stream.receive(5)


def test_a_payload_of_the_largest_size_is_taken(ends: Ends) -> None:
    payload = bytes(LIMIT)
    data = chunk(frame({}, payload))
    sender = threading.Thread(target=ends.docker.sendall, args=(data,))
    sender.start()

    assert ends.stream.receive(5) == ({}, payload)
    sender.join()


def test_an_announced_chunk_takes_no_memory_before_it_comes(ends: Ends) -> None:
    ends.docker.sendall(struct.pack(">BxxxI", STDOUT, 2**32 - 1) + b"a")
    tracemalloc.start()

    with pytest.raises(SandboxError, match="silent for 0 s"):
        ends.stream.receive(0.05)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2 << 20


@pytest.mark.parametrize(
    "head",
    [b"", b"{", b"[]", b"1", b"null", b"\xff", b"[" * 60_000, b'{"a":' * 10_000, b"1" * 5000],
    ids=["nothing", "torn", "list", "number", "null", "bytes", "deep", "deep dict", "digits"],
)
def test_a_head_that_is_no_json_object_is_an_error_of_the_sandbox(ends: Ends, head: bytes) -> None:
    ends.docker.sendall(chunk(frame(head)))

    with pytest.raises(SandboxError, match="not a frame"):
        ends.stream.receive(5)


def test_silence_is_an_error_of_the_sandbox(ends: Ends) -> None:
    ends.docker.sendall(chunk(frame({"op": "half"}, b"payload")[:-1]))

    with pytest.raises(SandboxError, match="silent for 0 s"):
        ends.stream.receive(0.1)


def test_the_end_is_an_error_that_tells_the_last_line_of_stderr(ends: Ends) -> None:
    ends.docker.sendall(chunk(b"Traceback\nMemoryError: all of it\n", STDERR))
    ends.docker.close()

    with pytest.raises(SandboxError, match=r"^the container ended: MemoryError: all of it$"):
        ends.stream.receive(5)


def test_the_end_without_a_word_is_an_error_as_well(ends: Ends) -> None:
    ends.docker.close()

    with pytest.raises(SandboxError, match=r"^the container ended$"):
        ends.stream.receive(5)


def test_a_frame_before_the_end_is_still_taken(ends: Ends) -> None:
    ends.docker.sendall(chunk(frame({"op": "done"})))
    ends.docker.close()

    assert ends.stream.receive(5) == ({"op": "done"}, b"")


def test_a_flood_on_stderr_is_not_kept(ends: Ends) -> None:
    flood = chunk(b"x" * 100_000, STDERR) * 200 + chunk(frame({}))
    sender = threading.Thread(target=ends.docker.sendall, args=(flood,))
    tracemalloc.start()
    sender.start()

    assert ends.stream.receive(5) == ({}, b"")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sender.join()

    assert peak < 4 << 20


def test_sending_to_a_container_that_is_gone_is_an_error_of_the_sandbox(ends: Ends) -> None:
    ends.docker.close()

    with pytest.raises(SandboxError, match="does not take input"):  # noqa: PT012
        for _ in range(100):
            ends.stream.send({}, bytes(100_000))


def test_sending_to_a_container_that_does_not_read_ends(ends: Ends) -> None:
    """After the time-out of the last answer."""
    ends.docker.sendall(chunk(frame({})))
    ends.stream.receive(0.2)

    with pytest.raises(SandboxError, match="does not take input"):
        ends.stream.send({}, bytes(20_000_000))
