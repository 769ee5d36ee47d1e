"""What is remembered of work done, and that equal work is done once."""

from concurrent.futures import Future

import pytest

from evalkit.graders.memo import Memo


def no_work() -> "Future[int]":
    raise AssertionError("asked to do work that is known or under way")


def finished(value: int) -> "Future[int]":
    future: Future[int] = Future()
    future.set_result(value)
    return future


@pytest.fixture
def memo() -> Memo[str, int]:
    """Room for two results, and negative ones are not worth keeping."""
    return Memo(2, worth_keeping=lambda value: value >= 0)


def test_result_is_remembered(memo: Memo[str, int]) -> None:
    """The second time no work is started, and the result itself comes back."""
    memo.find("a", lambda: finished(1))

    assert memo.find("a", no_work) == 1


def test_least_recently_used_result_is_forgotten(memo: Memo[str, int]) -> None:
    """What was asked for again stays, and what was not makes room."""
    memo.find("a", lambda: finished(1))
    memo.find("b", lambda: finished(2))
    memo.find("a", no_work)
    memo.find("c", lambda: finished(3))

    assert (memo.find("a", no_work), memo.find("c", no_work)) == (1, 3)
    with pytest.raises(AssertionError):
        memo.find("b", no_work)


def test_work_under_way_is_shared(memo: Memo[str, int]) -> None:
    """Who asks meanwhile gets the same future."""
    work: Future[int] = Future()

    assert memo.find("a", lambda: work) is memo.find("a", no_work) is work


@pytest.mark.parametrize("end", ["error", "cancelled", "not worth keeping"])
def test_failed_work_is_done_again(memo: Memo[str, int], end: str) -> None:
    """What brought no result is not taken for one."""
    work: Future[int] = Future()
    memo.find("a", lambda: work)
    if end == "error":
        work.set_exception(KeyError("a"))
    elif end == "cancelled":
        work.cancel()
        work.set_running_or_notify_cancel()
    else:
        work.set_result(-1)

    memo.find("a", lambda: finished(1))
    assert memo.find("a", no_work) == 1
