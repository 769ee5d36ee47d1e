"""Grading on reward servers, with the interface of the pools that grade in process."""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from contextlib import closing
from functools import partial
from typing import Self

from evalkit.graders.addresses import Servers, server_token, server_urls
from evalkit.graders.channel import Channel
from evalkit.graders.inline import with_tests
from evalkit.graders.pool import profile_name
from evalkit.graders.settling import Item, settle
from evalkit.graders.wire import grade_of, item_of, json_bytes
from evalkit.spec import CODE_GRADERS, GRADERS
from evalkit.types import Answer, Grade, Problem, Sample, UsageError, unknown

_NUM_THREADS = 4
_MAX_ITEMS = 256
_MAX_PROGRAMS = 32  # each may take seconds, and an answer comes when all have ended
_MAX_BYTES = 8 << 20

_logger = logging.getLogger(__name__)


class RemotePool:
    """As GraderPool and CodePool, on the servers at `urls`, which are taken in turn.

    What is submitted while requests are under way goes into the next ones together. A server that
    cannot be reached, is full or is being restarted is asked again, the others first; after
    `patience_s` the futures have RewardServerError, and never a score. An answer is waited for
    `timeout_s`; what a server had no time for is sent again. The token is that of EVALKIT_TOKEN
    where none is given. Raises UsageError for what is no address, or an unknown grader.
    """

    def __init__(
        self,
        urls: Sequence[str],
        grader: str = "math",
        *,
        token: str | None = None,
        patience_s: float = 300.0,
        timeout_s: float = 120.0,
    ) -> None:
        if grader not in GRADERS:
            raise unknown("grader", grader, list(GRADERS))
        if not (addresses := server_urls(urls)):
            raise UsageError("no reward server is named: give one as http://HOST:PORT")
        self.grader = grader
        self.profile = profile_name("no_answer", grader)
        self._max_items = _MAX_PROGRAMS if grader in CODE_GRADERS else _MAX_ITEMS
        self._servers = Servers(addresses)
        self._token = server_token(token)
        self._patience_s = patience_s
        self._timeout_s = timeout_s
        self._change = threading.Condition()
        self._waiting: deque[Item] = deque()
        self._under_way: set[Item] = set()
        self._is_started = False
        self._closed = threading.Event()
        self._profiles = {self.profile}

    def submit(self, problem: Problem, sample: Sample) -> "Future[Grade]":
        """Raises UsageError for a target that the grader cannot use, DataError for missing tests."""
        item = Item(self._body(problem, sample), Future())
        with self._change:
            if self._closed.is_set():
                raise RuntimeError("the pool is closed")
            self._start()
            self._waiting.append(item)
            self._change.notify()
        return item.future

    def grade(self, problem: Problem, sample: Sample) -> Grade:
        """As `submit`, but waits."""
        return self.submit(problem, sample).result()

    def check(self) -> None:
        """Raises RewardServerError where none of the servers answers at once, or one refuses."""
        with closing(self._channel(patience_s=0.0)) as channel:
            channel.ask([])

    def close(self) -> None:
        """What waits or is under way is cancelled. Does not wait for answers."""
        with self._change:
            self._closed.set()
            self._change.notify_all()
            waiting, self._waiting = self._waiting, deque()
        for item in waiting:
            item.future.cancel()
        for item in list(self._under_way):
            item.fail(CancelledError())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _body(self, problem: Problem, sample: Sample) -> bytes:
        is_answer = isinstance(problem.target, Answer)
        if is_answer == (self.grader in CODE_GRADERS):
            kind = "an answer" if is_answer else "tests"
            raise UsageError(f"problem {problem.id} has {kind}, which {self.grader!r} cannot use")
        sent = problem if sample.task else with_tests(problem)
        return json_bytes(item_of(sent, sample, self.grader))

    def _start(self) -> None:
        if not self._is_started:
            self._is_started = True
            for number in range(_NUM_THREADS):
                threading.Thread(target=self._serve, name=f"rewards-{number}", daemon=True).start()

    def _channel(self, patience_s: float) -> Channel:
        return Channel(
            self._servers,
            self._token,
            patience_s=patience_s,
            timeout_s=self._timeout_s,
            closed=self._closed,
        )

    def _serve(self) -> None:
        with closing(self._channel(self._patience_s)) as channel:
            while (items := self._take()) is not None:
                settle(items, partial(self._ask, channel))
                self._under_way.difference_update(items)

    def _take(self) -> list[Item] | None:
        """As much as goes into one request, as soon as there is anything; None when closed."""
        items: list[Item] = []
        room = _MAX_BYTES
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._closed.is_set())
            if self._closed.is_set():
                return None
            while self._waiting and len(items) < self._max_items:
                room -= len(self._waiting[0].body)
                if items and room < 0:
                    break
                item = self._waiting.popleft()
                if item.future.set_running_or_notify_cancel():
                    items.append(item)
            self._under_way.update(items)
        return items

    def _ask(self, channel: Channel, items: Sequence[bytes]) -> list[Grade]:
        answers = channel.ask(items)
        grades = [grade_of(answer) for answer in answers]
        found = {str(answer.get("profile")) for answer in answers}
        if strange := found - self._profiles:
            self._profiles |= strange
            _logger.warning(
                "the reward server grades by the rules %s, evalkit here by %s: scores may differ",
                ", ".join(sorted(strange)),
                self.profile,
            )
        return grades
