"""Work in the background: bounded, recorded as it ends, and no failure is swallowed."""

import contextlib
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import pytest

from evalkit.backlog import Backlog


def finished(value: int) -> "Future[int]":
    future: Future[int] = Future()
    future.set_result(value)
    return future


def failed(error: BaseException) -> "Future[int]":
    future: Future[int] = Future()
    future.set_exception(error)
    return future


def test_all_is_recorded_when_the_block_ends() -> None:
    """More pieces than there is room for."""
    recorded: list[int] = []
    with ThreadPoolExecutor(4) as threads, Backlog(3) as backlog:
        for number in range(50):
            backlog.add(
                lambda n=number: threads.submit(int, n),  # type: ignore[misc]
                lambda done: recorded.append(done.result()),
            )

    assert sorted(recorded) == list(range(50))


def test_no_more_than_the_limit_is_under_way() -> None:
    """The third piece is submitted once one of the first two has ended."""
    futures: list[Future[int]] = [Future() for _ in range(3)]
    submitted: list[int] = []

    def submit(number: int) -> "Future[int]":
        submitted.append(number)
        return futures[number]

    with ThreadPoolExecutor(1) as threads, Backlog(2) as backlog:
        for number in (0, 1):
            backlog.add(lambda n=number: submit(n), Future.result)  # type: ignore[misc]
        waiting = threads.submit(backlog.add, lambda: submit(2), Future.result)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.1)
        assert submitted == [0, 1]
        futures[0].set_result(0)
        waiting.result(timeout=10)
        for future in futures[1:]:
            future.set_result(0)

    assert submitted == [0, 1, 2]


def test_a_failure_is_raised_at_the_end() -> None:
    """Also where the failure is one of recording."""
    with pytest.raises(ZeroDivisionError), Backlog(2) as backlog:
        backlog.add(lambda: finished(0), lambda done: 1 // done.result())


def test_a_failure_is_raised_before_more_is_submitted() -> None:
    """By the next `add`, to which the caller turns long before the end."""
    backlog = Backlog(9)
    backlog.add(lambda: failed(ValueError("first")), Future.result)

    with pytest.raises(ValueError, match="first"):
        backlog.add(lambda: failed(ValueError("second")), Future.result)


def test_after_an_error_nothing_is_recorded() -> None:
    """What was under way then is left to the next command."""
    recorded: list[int] = []
    future: Future[int] = Future()
    with contextlib.suppress(KeyboardInterrupt), Backlog(2) as backlog:
        backlog.add(lambda: future, lambda done: recorded.append(done.result()))
        raise KeyboardInterrupt
    future.set_result(1)

    assert recorded == []


def test_cancelled_work_is_no_failure() -> None:
    """Whether the future is cancelled, or the work says that it was."""
    cancelled: Future[int] = Future()
    cancelled.cancel()
    with Backlog(2) as backlog:
        backlog.add(lambda: cancelled, Future.result)
        backlog.add(lambda: failed(CancelledError()), Future.result)


def test_a_submission_that_fails_leaves_its_place() -> None:
    """The error is the caller's; the backlog stays usable."""
    with Backlog(1) as backlog:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                backlog.add(lambda: finished(1 // 0), Future.result)
