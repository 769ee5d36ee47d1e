"""Futures of several who wait for one piece of work, and threads that count theirs."""

import threading
from concurrent.futures import CancelledError, Future

import pytest

from evalkit.graders.futures import CountingThreads, finished, following


def test_what_follows_ends_with_what_is_made_of_the_work() -> None:
    """Also where the work had ended before."""
    work: Future[int] = Future()
    early = following(work, lambda done: done.result() + 1)
    assert not early.done()

    work.set_result(1)

    assert early.result(timeout=0) == 2
    assert following(work, Future.result).result(timeout=0) == 1


def test_failure_of_the_work_is_raised_by_what_follows() -> None:
    work: Future[int] = Future()
    follower = following(work, Future.result)
    work.set_exception(KeyError("a"))

    with pytest.raises(KeyError):
        follower.result(timeout=0)


def test_cancelled_work_is_told_to_those_who_follow() -> None:
    work: Future[int] = Future()
    follower = following(work, Future.result)
    work.cancel()

    with pytest.raises(CancelledError):
        follower.result(timeout=0)


def test_who_gives_up_takes_the_work_from_nobody() -> None:
    work: Future[int] = Future()
    first, second = (following(work, Future.result) for _ in range(2))

    assert not first.cancel()
    work.set_result(1)
    assert second.result(timeout=0) == 1


def test_work_is_counted_until_it_ends() -> None:
    """What is told of its end finds it gone already."""
    seen = []
    is_told = threading.Event()
    with CountingThreads(1) as threads:
        work = threads.submit(is_told.wait, timeout=30)
        threads.submit(len, "")
        following(work, lambda _: seen.append(threads.num_under_way))
        seen.append(threads.num_under_way)
        is_told.set()

    assert (seen, threads.num_under_way) == ([2, 1], 0)


def test_finished_future_is_finished() -> None:
    assert finished(3).result(timeout=0) == 3
