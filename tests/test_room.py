"""Who is let into the server, who waits and who is sent away."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.server.errors import RequestError
from evalkit.server.room import Room

FAR_AWAY_S = 60.0


def in_loop(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@asynccontextmanager
async def held(room: Room, num_items: int, *, limit_s: float = FAR_AWAY_S) -> AsyncIterator[None]:
    async with room.held(num_items, soon(limit_s)):
        yield


async def settled() -> None:
    """Until every task that can go on has done so."""
    for _ in range(20):
        await asyncio.sleep(0)


class Visitors:
    """Requests of these sizes, one after the other; who is inside stays until told."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.inside: list[int] = []
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self._ends: dict[int, asyncio.Event] = {}

    async def come(self, name: int, num_items: int, *, limit_s: float = FAR_AWAY_S) -> None:
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._visit(name, num_items, limit_s))
        await settled()

    async def leave(self, *names: int) -> None:
        for name in names:
            self._ends[name].set()
        await settled()

    async def _visit(self, name: int, num_items: int, limit_s: float) -> None:
        async with held(self.room, num_items, limit_s=limit_s):
            self.inside.append(name)
            try:
                await self._ends[name].wait()
            finally:
                self.inside.remove(name)


async def refusal(room: Room, num_items: int, *, limit_s: float = FAR_AWAY_S) -> RequestError:
    with pytest.raises(RequestError) as found:
        async with held(room, num_items, limit_s=limit_s):
            pass
    return found.value


@pytest.mark.parametrize("refuses", [True, False])
def test_more_than_ever_fits_is_too_large(refuses: bool) -> None:
    """Waiting would not help."""

    async def check() -> None:
        room = Room(10, refuses=refuses)
        error = await refusal(room, 11)

        assert (error.status, error.retry_after_s) == (413, None)
        assert "11 items" in str(error)
        async with held(room, 10):
            pass

    in_loop(check())


def test_a_full_server_refuses_and_says_when_to_come_back() -> None:
    """With `refuses` nobody waits."""

    async def check() -> None:
        room = Room(10, refuses=True)
        async with held(room, 8), held(room, 2):
            error = await refusal(room, 1)
        async with held(room, 10):
            pass

        assert error.status == 429
        assert error.retry_after_s
        assert error.retry_after_s >= 1

    in_loop(check())


def test_who_waits_is_let_in_when_there_is_room() -> None:
    """And nobody earlier."""

    async def check() -> None:
        visitors = Visitors(Room(10, refuses=False))
        await visitors.come(1, 6)
        await visitors.come(2, 4)
        await visitors.come(3, 5)
        assert visitors.inside == [1, 2]
        await visitors.leave(2)
        assert visitors.inside == [1]
        await visitors.leave(1)
        assert visitors.inside == [3]
        await visitors.leave(3)

    in_loop(check())


def test_a_large_batch_is_not_passed_by_small_ones() -> None:
    """First come, first served: otherwise it could wait for ever."""

    async def check() -> None:
        visitors = Visitors(Room(10, refuses=False))
        await visitors.come(0, 4)
        await visitors.come(1, 8)
        for name in (2, 3):
            await visitors.come(name, 1)
        assert visitors.inside == [0]
        await visitors.leave(0)
        assert visitors.inside == [1, 2, 3]
        await visitors.leave(1, 2, 3)

    in_loop(check())


def test_waiting_ends_at_the_deadline() -> None:
    """As refused: the client may come back."""

    async def check() -> None:
        room = Room(10, refuses=False)
        async with held(room, 10):
            error = await refusal(room, 1, limit_s=0.01)
            assert error.status == 429
            assert error.retry_after_s
        async with held(room, 10):
            pass

    in_loop(check())


def test_who_has_waited_in_vain_leaves_no_room() -> None:
    """It never was inside."""

    async def check() -> None:
        room = Room(10, refuses=False)
        async with held(room, 10):
            for _ in range(3):
                assert (await refusal(room, 5, limit_s=0.0)).status == 429
            assert (await refusal(room, 1, limit_s=0.0)).status == 429

    in_loop(check())


def test_no_more_wait_than_there_is_room() -> None:
    """What waits is in memory, too."""

    async def check() -> None:
        visitors = Visitors(Room(10, refuses=False))
        await visitors.come(0, 10)
        await visitors.come(1, 6)
        await visitors.come(2, 4)
        error = await refusal(visitors.room, 1)
        assert error.status == 429
        await visitors.leave(0)
        assert visitors.inside == [1, 2]
        await visitors.leave(1, 2)

    in_loop(check())


def test_who_goes_away_is_not_waited_for() -> None:
    """A large batch at the head of the queue does not block the others once its client is gone."""

    async def check() -> None:
        visitors = Visitors(Room(10, refuses=False))
        await visitors.come(0, 5)
        await visitors.come(1, 6)
        await visitors.come(2, 4)
        visitors.tasks[1].cancel()
        await settled()
        assert visitors.inside == [0, 2]
        await visitors.leave(0, 2)

    in_loop(check())


def test_who_goes_away_when_let_in_takes_no_room() -> None:
    """Its turn and its end come in the same moment."""

    async def check() -> None:
        visitors = Visitors(Room(10, refuses=False))
        await visitors.come(0, 10)
        await visitors.come(1, 5)
        visitors.tasks[0].cancel()
        await asyncio.sleep(0)
        visitors.tasks[1].cancel()
        await settled()
        assert visitors.inside == []
        await visitors.come(2, 10)
        assert visitors.inside == [2]
        await visitors.leave(2)

    in_loop(check())


def test_a_closed_room_sends_all_away_to_another_server() -> None:
    """Those that wait, and those that come; who is inside may stay."""

    async def check() -> None:
        visitors = Visitors(Room(10, refuses=False))
        await visitors.come(0, 10)
        await visitors.come(1, 1)
        visitors.room.close()
        await settled()
        errors = [visitors.tasks[1].exception(), await refusal(visitors.room, 1)]

        assert visitors.inside == [0]
        for error in errors:
            assert isinstance(error, RequestError)
            assert (error.status, error.retry_after_s) == (503, 1)
        await visitors.leave(0)

    in_loop(check())


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), max_size=30))
def test_the_room_is_empty_in_the_end(visits: Sequence[tuple[int, bool]]) -> None:
    """Whatever comes and is cancelled in whatever order, no place is lost and none is given twice."""

    async def visit(room: Room, num_items: int, inside: list[int]) -> None:
        async with held(room, num_items):
            inside.append(num_items)
            try:
                assert sum(inside) <= 10
                await asyncio.sleep(0)
            finally:
                inside.remove(num_items)

    async def check() -> None:
        room = Room(10, refuses=False)
        inside: list[int] = []
        tasks = []
        for num_items, is_cancelled in visits:
            tasks.append(asyncio.create_task(visit(room, num_items, inside)))
            await asyncio.sleep(0)
            if is_cancelled:
                tasks[len(tasks) // 2].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [one for one in outcomes if isinstance(one, AssertionError)]
        async with held(room, 10, limit_s=0.0):
            pass

    in_loop(check())
