"""A mixed load at a fixed rate on one or two servers, every answer checked.

Small and large batches, answers that no memo knows, streams, programs, `/run_code`, bad requests,
and clients that go away before their answer. Requests arrive at random moments; what would be too
much under way at once is left out and counted.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from serve_checks import grade_faults, grade_message, stream_faults, stream_message
from serve_http import Client, Connection, ConnectionLostError, Reply
from serve_items import Item, asked_of_workers, fresh, graded, maths_items, program_items
from serve_odd import BAD, reads_stdin, refusal_faults, run_code_faults, run_code_message
from serve_tally import LEFT_OUT, LOST_CONNECTION, REFUSED, SILENT, Tally

PER_S: Mapping[str, float] = {
    "small": 10.0,
    "large": 0.5,
    "new": 2.0,
    "stream": 0.3,
    "programs": 0.5,
    "run_code": 1.0,
    "bad": 2.0,
    "gone": 1.0,
}
"""Requests per second. Of the answers in `new` and `stream`, some 150 per second, no memo knows any."""

_NUM_SMALL, _NUM_LARGE, _NUM_NEW, _NUM_PROGRAMS = 4, 512, 64, 3
_NUM_KNOWN_PROGRAMS = 200
_MAX_UNDER_WAY = 200
_PATIENCE_S = 150.0
_LONGEST_STAY_S = 0.05


@dataclass(frozen=True, slots=True)
class Pick:
    """Items to pick from: all answers, those that need a worker, programs, those that read stdin."""

    maths: Sequence[Item]
    hard: Sequence[Item]
    programs: Sequence[Item]
    readers: Sequence[Item]

    @classmethod
    def load(cls, data: Path) -> Self:
        """Graded in process, which takes some seconds."""
        maths, programs = (
            graded(maths_items(data)),
            graded(program_items(data, _NUM_KNOWN_PROGRAMS)),
        )
        return cls(maths, asked_of_workers(maths), programs, list(filter(reads_stdin, programs)))


@dataclass(frozen=True, slots=True)
class _Asked:
    request: bytes
    num_items: int
    faults: Callable[[Reply], Counter[str]]


class Mix:
    """`clients` are picked at random, so that with two servers each gets half."""

    def __init__(
        self, clients: Sequence[Client], pick: Pick, tally: Tally, *, seed: int = 0
    ) -> None:
        self._clients = clients
        self._pick = pick
        self._tally = tally
        self._chance = random.Random(seed)
        self._numbers = itertools.count(1)
        self._num_under_way = 0

    async def run(self, duration_s: float, speed: float) -> None:
        """Ends when the last answer is there. `speed` multiplies PER_S."""
        end = time.monotonic() + duration_s
        async with asyncio.TaskGroup() as group:
            for kind, per_s in PER_S.items():
                group.create_task(self._send(kind, per_s * speed, end, group))

    async def _send(self, kind: str, per_s: float, end: float, group: asyncio.TaskGroup) -> None:
        while time.monotonic() < end:
            await asyncio.sleep(self._chance.expovariate(per_s))
            if self._num_under_way < _MAX_UNDER_WAY:
                group.create_task(self._one(kind))
            else:
                self._tally.add(kind, 0, {LEFT_OUT: 1})

    async def _one(self, kind: str) -> None:
        self._num_under_way += 1
        try:
            async with asyncio.timeout(_PATIENCE_S):
                num_items, faults = await self._ask(kind, self._chance.choice(self._clients))
        except ConnectionRefusedError:
            num_items, faults = 0, Counter({REFUSED: 1})
        except TimeoutError:
            num_items, faults = 0, Counter({SILENT: 1})
        except (ConnectionLostError, OSError):
            num_items, faults = 0, Counter({f"{LOST_CONNECTION} ({kind})": 1})
        finally:
            self._num_under_way -= 1
        self._tally.add(kind, num_items, faults)

    async def _ask(self, kind: str, client: Client) -> tuple[int, Counter[str]]:
        match kind:
            case "bad":
                return 0, await self._ask_badly(client)
            case "gone":
                await self._go_away(client)
                return 0, Counter()
        asked = self._asked(kind)
        reply = await client.ask(asked.request)
        if reply.status != 200:
            return 0, Counter({str(reply.status): 1})
        return asked.num_items, asked.faults(reply)

    def _asked(self, kind: str) -> _Asked:
        if kind == "run_code":
            item = self._chance.choice(self._pick.readers)
            return _Asked(run_code_message(item), 1, partial(run_code_faults, item))
        items = self._items(kind)
        if kind == "stream":
            return _Asked(stream_message(items), len(items), partial(stream_faults, items))
        return _Asked(grade_message(items), len(items), partial(grade_faults, items))

    def _items(self, kind: str) -> list[Item]:
        match kind:
            case "small":
                return self._chance.choices(self._pick.maths, k=self._chance.randint(1, _NUM_SMALL))
            case "large":
                return self._chance.choices(self._pick.maths, k=_NUM_LARGE)
            case "programs":
                return self._unseen(self._pick.programs, _NUM_PROGRAMS)
        return self._unseen(self._pick.hard, _NUM_NEW)

    def _unseen(self, items: Sequence[Item], count: int) -> list[Item]:
        return [fresh(item, next(self._numbers)) for item in self._chance.choices(items, k=count)]

    async def _ask_badly(self, client: Client) -> Counter[str]:
        name, request = self._chance.choice(list(BAD.items()))
        connection = await Connection.open(client.port)
        try:
            reply = await connection.ask(request)
        finally:
            connection.abort()
        return refusal_faults(name, reply)

    async def _go_away(self, client: Client) -> None:
        """With half of a request sent, or all of it and the answer under way."""
        request = grade_message(self._items("new"))
        connection = await Connection.open(client.port)
        try:
            await connection.send(request[: len(request) // self._chance.choice((1, 2))])
            await asyncio.sleep(self._chance.uniform(0, _LONGEST_STAY_S))
        finally:
            connection.abort()
