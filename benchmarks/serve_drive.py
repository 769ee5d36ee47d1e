"""Drives a server with prepared requests, and measures how long each took and what that cost here.

In a closed loop each connection asks again as soon as it has its answer: that shows capacity. In an
open loop requests arrive at random moments whatever the server does, and the time of one counts
from its arrival, waiting for a connection included.
"""

import asyncio
import gc
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from serve_http import Client, Reply

_MAX_CONNECTIONS = 256


@dataclass(frozen=True, slots=True)
class Driven:
    """`seconds` are those of each request, `own_cpu_s` is of this process; `replies` as sent."""

    seconds: Sequence[float]
    replies: Sequence[Reply]
    wall_s: float
    own_cpu_s: float

    def quantile_ms(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, round(share * len(ordered)))]

    @property
    def own_share(self) -> float:
        """Of one core."""
        return self.own_cpu_s / self.wall_s


async def closed_loop(port: int, requests: Sequence[bytes], num_connections: int) -> Driven:
    """Each request once; raises what a client raises."""
    client = Client(port, num_connections)
    recorder = _Recorder(client, len(requests))
    waiting = iter(enumerate(requests))

    async def ask_on() -> None:
        for index, request in waiting:
            await recorder.ask(index, request, time.perf_counter())

    async with asyncio.TaskGroup() as group:
        for _ in range(num_connections):
            group.create_task(ask_on())
    return recorder.end()


async def open_loop(port: int, requests: Sequence[bytes], per_s: float) -> Driven:
    """Each request once, at the moments of a Poisson process."""
    recorder = _Recorder(Client(port, _MAX_CONNECTIONS), len(requests))
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for index, due in enumerate(_moments(len(requests), per_s)):
            await asyncio.sleep(max(0.0, start + due - time.perf_counter()))
            group.create_task(recorder.ask(index, requests[index], start + due))
    return recorder.end()


def _moments(count: int, per_s: float) -> Iterator[float]:
    chance, due = random.Random(0), 0.0
    for _ in range(count):
        due += chance.expovariate(per_s)
        yield due


class _Recorder:
    def __init__(self, client: Client, count: int) -> None:
        self._client = client
        self._seconds = [0.0] * count
        self._replies: list[Reply] = [Reply(0, {}, b"")] * count
        gc.collect()
        gc.disable()  # a pause of this process would count as one of the server
        self._started, self._cpu = time.perf_counter(), time.process_time()

    async def ask(self, index: int, request: bytes, since: float) -> None:
        self._replies[index] = await self._client.ask(request)
        self._seconds[index] = time.perf_counter() - since

    def end(self) -> Driven:
        wall_s = time.perf_counter() - self._started
        cpu_s = time.process_time() - self._cpu
        gc.enable()
        self._client.close()
        return Driven(self._seconds, self._replies, wall_s, cpu_s)
