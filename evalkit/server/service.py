"""What all requests share: the pools, the turns at them, and how it ends."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, aclosing
from functools import partial
from typing import Any, Self

from evalkit.graders.code_pool import CodePool
from evalkit.graders.opening import open_pool
from evalkit.graders.pool import GraderPool
from evalkit.sandbox.types import Execution
from evalkit.server.batch import Batch, BatchDroppedError, Done
from evalkit.server.desk import Desk, Piece
from evalkit.server.errors import RequestError, stopping
from evalkit.server.metrics import Metrics
from evalkit.server.room import Room
from evalkit.server.spec import ServeSpec
from evalkit.server.work import Catalogue, Work
from evalkit.types import EvalkitError, Grade, Verdict

Pieces = Mapping[str, Sequence[Piece]]


class Service:
    """Used with `with`, and from one event loop.

    Raises the errors of tasks and sandboxes when made or entered: a server that starts can grade.
    """

    def __init__(self, spec: ServeSpec) -> None:
        self.spec = spec
        self.token = spec.token()
        self.catalogue = Catalogue(spec)
        self.metrics = Metrics()
        self.is_stopping = False
        self._stopped = asyncio.Event()
        self.pools: dict[str, GraderPool | CodePool] = {}
        self._desks: dict[str, Desk] = {}
        self._batches: set[Batch] = set()
        self._room = Room(spec.max_waiting, refuses=spec.when_full == "refuse")
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for grader in self.catalogue.graders:
                self._open(grader, stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """What pools still work on is cut short: nobody waits for it any more."""
        ended = SystemExit()
        self._stack.__exit__(SystemExit, ended, None)

    def _open(self, grader: str, stack: ExitStack) -> None:
        pool = open_pool(
            grader,
            num_workers=self.spec.grader_workers,
            unclosed_thinking=self.spec.unclosed_thinking,
        )
        stack.enter_context(pool)
        if isinstance(pool, GraderPool):
            pool.start()
        desk = Desk(grader, pool.capacity, lambda: pool.num_under_way)
        stack.callback(desk.close)
        self.pools[grader], self._desks[grader] = pool, desk
        self.metrics.watch_desk(grader, lambda: desk.depth, lambda: pool.num_under_way)
        self.metrics.watch_restarts(grader, lambda: pool.num_failures)

    async def grade(self, works: Sequence[Work], *, deadline_s: float | None = None) -> list[Grade]:
        """In the order of the works. What has no verdict by the deadline is a grader error.

        `deadline_s` counts up to that of the server. Raises RequestError: 413 for more than the
        server holds, 429 where it is full, 503 where it is being stopped.
        """
        self.check_open()
        grades: dict[int, Grade] = {}
        async with aclosing(self.grade_each(works, deadline_s=deadline_s)) as parts:
            async for found in parts:
                grades.update(found)
        return [grades[index] for index in range(len(works))]

    async def grade_each(
        self, works: Sequence[Work], *, deadline_s: float | None = None, each: bool = False
    ) -> AsyncGenerator[list[tuple[int, Grade]]]:
        """As `grade`, every place once, in any order; with `each` as soon as it is there."""
        limit_s = min(deadline_s or self.spec.deadline_s, self.spec.deadline_s)
        missing = set(range(len(works)))
        async with aclosing(self._done(self._pieces(works), limit_s, each=each)) as parts:
            async for done in parts:
                missing.difference_update(index for index, _ in done)
                yield self._counted(works, [(index, _grade_of(future)) for index, future in done])
        if missing:
            late = _failure("deadline", f"no verdict within {limit_s:g} s")
            yield self._counted(works, [(index, late) for index in sorted(missing)])

    def _pieces(self, works: Sequence[Work]) -> Pieces:
        pieces: dict[str, list[Piece]] = defaultdict(list)
        for index, work in enumerate(works):
            prepare = partial(self.pools[work.grader].prepare, work.problem, work.sample)
            pieces[work.grader].append((index, prepare))
        return pieces

    def _counted(
        self, works: Sequence[Work], found: list[tuple[int, Grade]]
    ) -> list[tuple[int, Grade]]:
        self.metrics.count_grades((works[index].grader, grade) for index, grade in found)
        return found

    async def run_program(
        self, code: str, stdin: str, *, time_limit_s: float, deadline_s: float
    ) -> Execution:
        """Runs a program without judging it, in turn with programs to grade.

        Raises RequestError: 404 where the server has no sandbox, 504 without a result by the
        deadline; and SandboxError where the sandbox failed twice.
        """
        self.check_open()
        pools = {name: pool for name, pool in self.pools.items() if isinstance(pool, CodePool)}
        if not pools:
            raise RequestError(404, "this server runs no programs; start it with --graders code")
        name, pool = next(iter(pools.items()))
        start = partial(pool.run, code, stdin, time_limit_s=time_limit_s)
        pieces: Pieces = {name: [(0, lambda: start)]}
        async with aclosing(self._done(pieces, deadline_s)) as parts:
            async for [(_, future)] in parts:
                execution: Execution = _result(future)
                return execution
        raise RequestError(504, f"no result within {deadline_s:g} s", retry_after_s=1)

    def stop(self) -> None:
        """Whoever still waits is told to ask another server."""
        self.is_stopping = True
        self._stopped.set()
        self._room.close()
        for batch in self._batches:
            batch.drop()

    def check_open(self) -> None:
        """Raises RequestError where nobody new is let in any more."""
        if self.is_stopping:
            raise stopping()

    async def until_stopped(self) -> None:
        """Raises RequestError then, for who would otherwise wait for something else."""
        await self._stopped.wait()
        raise stopping()

    async def _done(
        self, pieces: Pieces, limit_s: float, *, each: bool = False
    ) -> AsyncGenerator[list[Done]]:
        """As far as they are done by the limit."""
        until = asyncio.get_running_loop().time() + limit_s
        num_items = sum(map(len, pieces.values()))
        async with self._room.held(num_items, until):
            batch = Batch(num_items, each=each)
            self._batches.add(batch)
            try:
                for grader, starts in pieces.items():
                    self.metrics.count_items(grader, len(starts))
                    self._desks[grader].add(batch, starts)
                async with aclosing(batch.results(until)) as parts:
                    async for done in parts:
                        yield done
            except BatchDroppedError as error:
                raise stopping() from error
            finally:
                self._batches.remove(batch)
                batch.drop()
                for grader in pieces:
                    self._desks[grader].forget(batch)


def _grade_of(done: "Future[Any]") -> Grade:
    try:
        grade: Grade = _result(done)
    except RequestError:
        raise
    except EvalkitError as error:
        return _failure("not graded", str(error))
    return grade


def _result(done: "Future[Any]") -> Any:
    try:
        return done.result()
    except CancelledError as error:  # the pool is being closed
        raise stopping() from error


def _failure(rule: str, detail: str) -> Grade:
    return Grade(verdict=Verdict.GRADER_ERROR, score=None, rule=rule, detail=detail)
