"""Pipes that never block the supervisor, and the frames that cross them."""

import json
import os
from collections import deque

HEADER_BYTES = 8
CHUNK_BYTES = 1 << 18
MAX_HEAD_BYTES = 1 << 16


def frame(head: dict[str, object], payload: bytes = b"") -> bytes:
    """4 + 4 bytes of lengths, the head as JSON, the payload as it is."""
    text = json.dumps(head).encode()
    return len(text).to_bytes(4, "big") + len(payload).to_bytes(4, "big") + text + payload


class Frames:
    """Takes frames out of a stream of bytes as they become complete."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def take(self) -> "tuple[dict[str, object], bytes] | None":
        if len(self._bytes) < HEADER_BYTES:
            return None
        head_length = int.from_bytes(self._bytes[:4], "big")
        if head_length > MAX_HEAD_BYTES:
            raise ValueError(f"a head of {head_length} bytes")
        start = HEADER_BYTES + head_length
        end = start + int.from_bytes(self._bytes[4:8], "big")
        if len(self._bytes) < end:
            return None
        head = json.loads(self._bytes[HEADER_BYTES:start])
        payload = bytes(memoryview(self._bytes)[start:end])
        del self._bytes[:end]
        return head, payload


class Outlet:
    """Writes as much as a non-blocking file descriptor takes; a closed reader swallows the rest."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self._waiting: deque[memoryview] = deque()

    @property
    def is_pending(self) -> bool:
        return bool(self._waiting)

    @property
    def num_waiting_bytes(self) -> int:
        return sum(map(len, self._waiting))

    def send(self, data: bytes) -> None:
        if data:
            self._waiting.append(memoryview(data))

    def pump(self) -> None:
        while self._waiting:
            try:
                count = os.write(self.fd, self._waiting[0][: 1 << 20])
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._waiting.clear()
                return
            rest = self._waiting[0][count:]
            if rest:
                self._waiting[0] = rest
            else:
                self._waiting.popleft()


class Inlet:
    """Reads what a non-blocking file descriptor has, up to a limit; what exceeds it is dropped."""

    def __init__(self, fd: int, limit: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.data = bytearray()
        self.num_bytes = 0
        self._limit = limit

    @property
    def is_over(self) -> bool:
        return self.num_bytes > self._limit

    def clear(self) -> None:
        self.data, self.num_bytes = bytearray(), 0

    def pump(self, max_reads: int = 16) -> bool:
        """False at the end of the stream."""
        for _ in range(max_reads):
            try:
                chunk = os.read(self.fd, CHUNK_BYTES)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self.num_bytes += len(chunk)
            self.data += chunk[: max(0, self._limit - len(self.data))]
        return True
