"""Frames to and from a container's attached stdin and stdout, with every length checked first."""

import json
import socket
from typing import Any

from evalkit.types import SandboxError

_STDOUT = 1
_MUX_HEADER_BYTES = 8
_HEADER_BYTES = 8
_MAX_HEAD_BYTES = 1 << 16
_STDERR_KEPT_BYTES = 4000
_JOINED_BYTES = 1 << 16  # sent with the head; of larger payloads no copy is made


class SandboxStream:
    """Docker's multiplexed stream (8 bytes before each chunk) as frames; stderr is kept for messages.

    Raises SandboxError where the other side ends, is silent for longer than the time-out, or sends
    what is no frame of at most `max_payload_bytes`.
    """

    def __init__(self, connection: socket.socket, max_payload_bytes: int) -> None:
        self._socket = connection
        self._max_payload_bytes = max_payload_bytes
        self._raw = bytearray()
        self._data = bytearray()
        self._stderr = bytearray()

    def send(self, head: dict[str, Any], payload: bytes = b"") -> None:
        text = json.dumps(head).encode()
        lengths = len(text).to_bytes(4, "big") + len(payload).to_bytes(4, "big")
        try:
            self._socket.sendall(lengths + text + payload[:_JOINED_BYTES])
            if len(payload) > _JOINED_BYTES:
                self._socket.sendall(memoryview(payload)[_JOINED_BYTES:])
        except OSError as error:
            raise SandboxError(f"the container does not take input ({error})") from error

    def receive(self, timeout_s: float) -> tuple[dict[str, Any], bytes]:
        while (frame := self._take()) is None:
            self._read(timeout_s)
        return frame

    def _take(self) -> tuple[dict[str, Any], bytes] | None:
        if len(self._data) < _HEADER_BYTES:
            return None
        head_bytes = int.from_bytes(self._data[:4], "big")
        payload_bytes = int.from_bytes(self._data[4:8], "big")
        if head_bytes > _MAX_HEAD_BYTES or payload_bytes > self._max_payload_bytes:
            raise SandboxError(f"the container announced {head_bytes} + {payload_bytes} bytes")
        start = _HEADER_BYTES + head_bytes
        if len(self._data) < start + payload_bytes:
            return None
        head = self._parse(bytes(self._data[_HEADER_BYTES:start]))
        payload = bytes(memoryview(self._data)[start : start + payload_bytes])
        del self._data[: start + payload_bytes]
        return head, payload

    def _parse(self, text: bytes) -> dict[str, Any]:
        try:
            head = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SandboxError("the container sent what is not a frame") from error
        if not isinstance(head, dict):
            raise SandboxError("the container sent what is not a frame")
        return head

    def _read(self, timeout_s: float) -> None:
        self._socket.settimeout(timeout_s)
        try:
            chunk = self._socket.recv(1 << 18)
        except TimeoutError as error:
            raise SandboxError(f"the container was silent for {timeout_s:.0f} s") from error
        except OSError as error:
            raise SandboxError(f"the connection to the container broke ({error})") from error
        if not chunk:
            said = self._stderr.decode("utf-8", "replace").strip().splitlines()
            raise SandboxError(f"the container ended{f': {said[-1]}' if said else ''}")
        self._raw += chunk
        self._separate()

    def _separate(self) -> None:
        position = 0
        while len(self._raw) >= position + _MUX_HEADER_BYTES:
            start = position + _MUX_HEADER_BYTES
            end = start + int.from_bytes(self._raw[start - 4 : start], "big")
            if len(self._raw) < end:
                break
            if self._raw[position] == _STDOUT:
                self._data += self._raw[start:end]
            else:
                self._stderr = (self._stderr + self._raw[start:end])[-_STDERR_KEPT_BYTES:]
            position = end
        del self._raw[:position]
