"""The order in which the work of many requests is handed to a pool, and who is told of results."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.server.batch import Batch, BatchDroppedError
from evalkit.server.desk import Desk, Piece, Start

FAR_AWAY_S = 20.0
Make = Callable[[int], Piece]


def placed(makes: Iterable[Make]) -> list[Piece]:
    return [make(index) for index, make in enumerate(makes)]


def costly(start: Callable[[], "Future[Any]"]) -> Make:
    return lambda index: (index, lambda: start)


class Work:
    """A pool whose work ends when the test says so; `started` is the order in which it began."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self._futures: dict[Any, Future[Any]] = {}
        self._change = threading.Condition()

    def piece(self, name: Any) -> Make:
        """To be started by a desk, and ended by the test."""
        return costly(lambda: self.begin(name, Future()))

    def cheap(self, name: Any) -> Make:
        """Done when it is started."""

        def start() -> "Future[Any]":
            future: Future[Any] = Future()
            future.set_result(name)
            return self.begin(name, future)

        return lambda index: (index, start)

    def begin(self, name: Any, future: "Future[Any]") -> "Future[Any]":
        with self._change:
            self.started.append(name)
            self._futures[name] = future
            self._change.notify_all()
        return future

    def num_under_way(self) -> int:
        with self._change:
            return sum(not future.done() for future in self._futures.values())

    def wait_for(self, num_started: int) -> list[Any]:
        with self._change:
            assert self._change.wait_for(lambda: len(self.started) >= num_started, FAR_AWAY_S)
            return list(self.started)

    def end(self, *names: Any) -> None:
        for name in names:
            self._futures[name].set_result(name)

    def end_all(self, num: int) -> list[Any]:
        """Ends what has started, one after the other, until so many have."""
        for i in range(num):
            self.end(self.wait_for(i + 1)[i])
        return self.started


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def make_desk(work: Work) -> Iterator[Callable[[int], Desk]]:
    desks = []

    def make(window: int) -> Desk:
        desks.append(Desk("test", window, work.num_under_way))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


async def results(batch: Batch, *, limit_s: float = FAR_AWAY_S) -> dict[int, Any]:
    found = {}
    async for done in batch.results(asyncio.get_running_loop().time() + limit_s):
        found.update({index: future.result() for index, future in done})
    return found


def test_every_piece_has_its_place(make_desk: Callable[[int], Desk], work: Work) -> None:
    """Whatever is done at once, and whatever later."""

    async def check() -> dict[int, Any]:
        batch = Batch(4)
        pieces = [work.cheap("a"), work.piece("b"), work.cheap("c"), work.piece("d")]
        make_desk(10).add(batch, placed(pieces))
        await asyncio.to_thread(work.wait_for, 4)
        work.end("d", "b")
        return await results(batch)

    assert asyncio.run(check()) == {0: "a", 1: "b", 2: "c", 3: "d"}


def test_no_more_is_under_way_than_the_window(make_desk: Callable[[int], Desk], work: Work) -> None:
    """What is done at once does not count."""
    desk = make_desk(3)

    async def check() -> None:
        batch = Batch(9)
        cheap = [work.cheap(f"cheap {i}") for i in range(4)]
        desk.add(batch, placed([*cheap, *map(work.piece, range(5))]))
        await asyncio.to_thread(work.wait_for, 7)
        assert (work.num_under_way(), desk.depth) == (3, 2)
        work.end(0)
        await asyncio.to_thread(work.wait_for, 8)
        assert (work.num_under_way(), desk.depth) == (3, 1)
        work.end(1, 2, 3)
        await asyncio.to_thread(work.wait_for, 9)
        work.end(4)
        await results(batch)

    asyncio.run(check())

    assert (work.num_under_way(), desk.depth) == (0, 0)


def test_a_huge_batch_does_not_stand_before_a_single_item(
    make_desk: Callable[[int], Desk], work: Work
) -> None:
    """A few turns of the batch come before it, not thousands of items."""
    desk = make_desk(4)

    async def check() -> list[Any]:
        huge, singles = Batch(10_000), [Batch(1) for _ in range(3)]
        desk.add(huge, placed(map(work.piece, range(10_000))))
        await asyncio.to_thread(work.wait_for, 4)
        for i, single in enumerate(singles):
            desk.add(single, placed([work.piece(f"single {i}")]))
        started = await asyncio.to_thread(work.end_all, 40)
        for i, single in enumerate(singles):
            assert await results(single) == {0: f"single {i}"}
        return started

    started = asyncio.run(check())

    assert {"single 0", "single 1", "single 2"} <= set(started[:16])


def test_batches_take_turns(make_desk: Callable[[int], Desk], work: Work) -> None:
    """None is served twice as often as another while both wait."""
    desk = make_desk(1)

    async def check() -> None:
        batches = {name: Batch(100) for name in "abc"}
        for name, batch in batches.items():
            desk.add(batch, placed(work.piece((name, i)) for i in range(100)))
        await asyncio.to_thread(work.end_all, 90)

    asyncio.run(check())
    counts = {name: sum(one[0] == name for one in work.started[:90]) for name in "abc"}

    assert all(24 <= count <= 36 for count in counts.values())


def test_the_order_within_a_batch_is_kept(make_desk: Callable[[int], Desk], work: Work) -> None:
    """What comes first is started first."""
    desk = make_desk(2)

    async def check() -> None:
        desk.add(Batch(50), placed(map(work.piece, range(50))))
        await asyncio.to_thread(work.end_all, 50)

    asyncio.run(check())

    assert work.started == list(range(50))


def test_at_the_deadline_there_is_what_is_done(
    make_desk: Callable[[int], Desk], work: Work
) -> None:
    """One late piece does not cost the others their results."""
    desk = make_desk(10)

    async def check() -> dict[int, Any]:
        batch = Batch(3)
        desk.add(batch, placed([work.cheap("a"), work.piece("late"), work.cheap("c")]))
        found = await results(batch, limit_s=0.2)
        batch.drop()
        return found

    assert asyncio.run(check()) == {0: "a", 2: "c"}
    work.end("late")


def test_no_time_at_all_is_no_error(make_desk: Callable[[int], Desk], work: Work) -> None:
    """A deadline that has passed: there is nothing, not even a part that is empty."""

    async def check() -> list[Any]:
        batch = Batch(1)
        make_desk(1).add(batch, placed([work.piece("late")]))
        found = batch.results(asyncio.get_running_loop().time() - 1)
        return [done async for done in found]

    assert asyncio.run(check()) == []


def test_nothing_to_do_is_done(make_desk: Callable[[int], Desk]) -> None:
    """An empty batch waits for nobody."""

    async def check() -> dict[int, Any]:
        batch = Batch(0)
        make_desk(1).add(batch, [])
        return await results(batch)

    assert asyncio.run(check()) == {}


def test_with_each_results_come_one_by_one(make_desk: Callable[[int], Desk], work: Work) -> None:
    """And not with the last."""

    async def check() -> list[int]:
        batch = Batch(3, each=True)
        make_desk(3).add(batch, placed(map(work.piece, range(3))))
        await asyncio.to_thread(work.wait_for, 3)
        seen = []
        work.end(2)
        async for done in batch.results(asyncio.get_running_loop().time() + FAR_AWAY_S):
            for index, _ in done:
                seen.append(index)
                work.end(*{2: [0], 0: [1], 1: []}[index])
        return seen

    assert asyncio.run(check()) == [2, 0, 1]


def test_what_is_forgotten_is_not_started_and_not_kept(
    make_desk: Callable[[int], Desk], work: Work
) -> None:
    """A client that went away costs no more than what was under way."""
    desk = make_desk(1)

    async def check() -> dict[int, Any]:
        gone, other = Batch(100), Batch(1)
        desk.add(gone, placed(map(work.piece, range(100))))
        await asyncio.to_thread(work.wait_for, 1)
        desk.add(other, placed([work.piece("other")]))
        gone.drop()
        desk.forget(gone)
        assert desk.depth == 1
        work.end(0)
        await asyncio.to_thread(work.wait_for, 2)
        work.end("other")
        return await results(other)

    assert asyncio.run(check()) == {0: "other"}
    assert work.started == [0, "other"]


def test_a_dropped_batch_wakes_who_waits(make_desk: Callable[[int], Desk], work: Work) -> None:
    """The server is being stopped: nothing more comes."""

    async def check() -> None:
        batch = Batch(2)
        make_desk(1).add(batch, placed(map(work.piece, range(2))))
        waiting = asyncio.ensure_future(results(batch))
        await asyncio.to_thread(work.wait_for, 1)
        batch.drop()
        with pytest.raises(BatchDroppedError):
            await waiting

    asyncio.run(check())


def test_results_after_the_loop_has_ended_do_no_harm(
    make_desk: Callable[[int], Desk], work: Work
) -> None:
    """Work under way may outlive the request and the loop; the desk goes on."""
    desk = make_desk(1)

    async def leave() -> None:
        batch = Batch(2)
        desk.add(batch, placed(map(work.piece, range(2))))
        await asyncio.to_thread(work.wait_for, 1)
        batch.drop()
        desk.forget(batch)

    async def check() -> dict[int, Any]:
        batch = Batch(1)
        desk.add(batch, placed([work.cheap("next")]))
        return await results(batch)

    asyncio.run(leave())
    work.end(0)

    assert asyncio.run(check()) == {0: "next"}


@pytest.mark.parametrize("error", [ValueError("no"), RecursionError(), CancelledError()])
def test_what_cannot_be_started_is_a_result(
    make_desk: Callable[[int], Desk], work: Work, error: Exception
) -> None:
    """Whoever waits gets the error; the desk goes on with the next piece."""

    def start() -> "Future[Any]":
        raise error

    async def check() -> None:
        batch = Batch(2)
        make_desk(1).add(batch, placed([costly(start), work.cheap("next")]))
        found: dict[int, Future[Any]] = {}
        async for done in batch.results(asyncio.get_running_loop().time() + FAR_AWAY_S):
            found.update(done)
        assert found[0].exception() is error
        assert found[1].result() == "next"

    asyncio.run(check())


def test_what_fails_later_is_a_result(make_desk: Callable[[int], Desk], work: Work) -> None:
    """As is what was cancelled, when a pool is closed."""
    desk = make_desk(2)
    futures: list[Future[Any]] = [Future(), Future()]

    async def check() -> None:
        batch = Batch(2)
        desk.add(batch, placed([costly(lambda: futures[0]), costly(lambda: futures[1])]))
        futures[0].cancel()
        futures[1].set_exception(ValueError("no"))
        found: dict[int, Future[Any]] = {}
        async for done in batch.results(asyncio.get_running_loop().time() + FAR_AWAY_S):
            found.update(done)
        assert found[0].cancelled()
        assert isinstance(found[1].exception(), ValueError)

    asyncio.run(check())


def test_a_closed_desk_starts_nothing(work: Work) -> None:
    """What waits is forgotten, what is under way goes on elsewhere."""
    desk = Desk("test", 1, work.num_under_way)

    async def check() -> None:
        desk.add(Batch(2), placed(map(work.piece, range(2))))
        await asyncio.to_thread(work.wait_for, 1)

    asyncio.run(check())
    desk.close()
    work.end(0)

    assert work.started == [0]


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 30), max_size=6),
    window=st.integers(1, 5),
    kinds=st.lists(st.sampled_from(["now", "thread", "error"]), min_size=1, max_size=7),
)
def test_nothing_is_lost_or_doubled(sizes: list[int], window: int, kinds: list[str]) -> None:
    """Many batches, with work that ends at once, in another thread or with an error."""
    threads: list[threading.Thread] = []
    futures: list[Future[Any]] = []

    def start(name: tuple[int, int]) -> "Future[Any]":
        future: Future[Any] = Future()
        kind = kinds[sum(name) % len(kinds)]
        if kind == "error":
            raise ValueError(name)
        if kind == "now":
            future.set_result(name)
        else:
            futures.append(future)
            threads.append(threading.Thread(target=future.set_result, args=(name,)))
            threads[-1].start()
        return future

    async def outcomes(desk: Desk, number: int, size: int) -> list[Any]:
        batch = Batch(size, each=bool(number % 2))
        desk.add(batch, placed(costly(partial(start, (number, i))) for i in range(size)))
        found = []
        async for done in batch.results(asyncio.get_running_loop().time() + FAR_AWAY_S):
            found += [(index, future.exception() or future.result()) for index, future in done]
        return [(i, one.args[0] if isinstance(one, ValueError) else one) for i, one in found]

    async def check(desk: Desk) -> list[list[Any]]:
        return await asyncio.gather(*(outcomes(desk, *one) for one in enumerate(sizes)))

    desk = Desk("test", window, lambda: sum(not future.done() for future in futures))
    try:
        found = asyncio.run(check(desk))
    finally:
        desk.close()
        for thread in threads:
            thread.join()

    for number, size in enumerate(sizes):
        assert sorted(found[number]) == [(i, (number, i)) for i in range(size)]
    assert desk.depth == 0


def test_what_is_known_does_not_wait_for_workers(
    make_desk: Callable[[int], Desk], work: Work
) -> None:
    """The only worker is busy, and others wait for it already."""
    desk = make_desk(1)

    async def check() -> dict[int, Any]:
        desk.add(Batch(3), placed(map(work.piece, range(3))))
        await asyncio.to_thread(work.wait_for, 1)
        known = Batch(1)
        desk.add(known, placed([work.cheap("known")]))
        return await results(known)

    assert asyncio.run(check()) == {0: "known"}


def test_a_huge_batch_that_is_known_does_not_stand_before_a_single_item(
    make_desk: Callable[[int], Desk], work: Work
) -> None:
    """It is looked at in turn, too."""
    gate = threading.Event()

    def known() -> "Future[Any]":
        gate.wait(FAR_AWAY_S)
        future: Future[Any] = Future()
        future.set_result(None)
        return work.begin("huge", future)

    async def check() -> None:
        desk, single = make_desk(1), Batch(1)
        desk.add(Batch(10_000), [(i, known) for i in range(10_000)])
        desk.add(single, placed([work.cheap("single")]))
        gate.set()
        await results(single)

    asyncio.run(check())

    assert work.started.index("single") <= 16


def test_workers_do_not_wait_until_all_is_looked_at(
    make_desk: Callable[[int], Desk], work: Work
) -> None:
    """What needs one is started while a huge batch is looked at."""
    gate = threading.Event()

    def known() -> "Future[Any]":
        gate.wait(FAR_AWAY_S)
        future: Future[Any] = Future()
        future.set_result(None)
        return work.begin("huge", future)

    async def check() -> None:
        desk, huge = make_desk(1), Batch(1_000)
        desk.add(huge, [(i, known) for i in range(1_000)])
        desk.add(Batch(1), placed([work.piece("costly")]))
        gate.set()
        await results(huge)

    asyncio.run(check())

    assert work.started.index("costly") <= 24


@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_forgotten_while_it_is_looked_at_is_not_kept(
    make_desk: Callable[[int], Desk], work: Work, is_known: bool
) -> None:
    """Whether it was in the desk's hands just then, or behind that."""
    desk, looks, gate = make_desk(1), threading.Event(), threading.Event()

    def start() -> "Future[Any]":
        return work.begin("gone", Future())

    def prepare() -> "Future[Any] | Start":
        looks.set()
        gate.wait(FAR_AWAY_S)
        return work.begin("known", Future()) if is_known else start

    async def check() -> dict[int, Any]:
        gone, other = Batch(100), Batch(1)
        desk.add(gone, [(i, prepare) for i in range(100)])
        await asyncio.to_thread(looks.wait, FAR_AWAY_S)
        gone.drop()
        desk.forget(gone)
        gate.set()
        desk.add(other, placed([work.cheap("other")]))
        return await results(other)

    assert asyncio.run(check()) == {0: "other"}
    assert desk.depth == 0
    assert "gone" not in work.started
    assert work.started.count("known") <= 8
