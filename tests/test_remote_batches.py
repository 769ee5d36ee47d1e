"""What waits for a reward server goes there together, and every future gets what is its own."""

import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from scripted_server import (
    PROBLEM,
    Handler,
    Script,
    after,
    always,
    graded,
    scripted,
    status,
    submit,
)

from evalkit.graders.remote import RemotePool
from evalkit.grading import sample_of
from evalkit.types import (
    Grade,
    RewardServerError,
    Verdict,
)


def refuse_bad(handler: Handler, body: dict[str, Any]) -> None:
    """As a server that reads the whole request before it grades any of it."""
    for index, item in enumerate(body["items"]):
        if item["completion"] == "bad":
            return handler.send(422, {"error": "bad", "where": f"items[{index}]"})
    return graded(handler, body)


@pytest.fixture
def busy() -> Iterator[tuple[Script, Event]]:
    """A server that leaves its first four requests waiting, so that others come together."""
    done = Event()
    with scripted(*always(after(done), 4)) as server:
        yield server, done
        done.set()


def occupied(pool: RemotePool, server: Script) -> "list[Future[Grade]]":
    futures = []
    for number in range(1, 5):
        futures.append(submit(pool))
        while len(server.requests) < number:
            time.sleep(0.001)
    return futures


def test_what_waits_goes_into_one_request(busy: tuple[Script, Event]) -> None:
    """And what does not wait goes at once, alone."""
    server, done = busy
    with RemotePool([server.url]) as pool:
        futures = occupied(pool, server)
        futures += [submit(pool, text) for text in "01" * 200]
        done.set()

        assert [one.result().score for one in futures] == [1.0] * 4 + [0.0, 1.0] * 200
        sizes = [len(one) for one in server.batches]
        assert sizes[:4] == [1, 1, 1, 1]
        assert sorted(sizes[4:]) == [144, 256]


def test_a_request_stays_below_a_size(busy: tuple[Script, Event]) -> None:
    """Of eight MiB, but for one item that is larger on its own."""
    server, done = busy
    with RemotePool([server.url]) as pool:
        occupied(pool, server)
        futures = [submit(pool, " " * (one << 20) + "1") for one in (3, 3, 3, 9, 1)]
        done.set()

        assert [one.result().score for one in futures] == [1.0] * 5
        sizes = sorted(sum(map(len, one)) >> 20 for one in server.batches[4:])
        assert sizes == [1, 3, 6, 9]


def test_a_bad_item_fails_alone(busy: tuple[Script, Event]) -> None:
    """The others of its request have their grades."""
    server, done = busy
    server.replies += always(refuse_bad)
    with RemotePool([server.url]) as pool:
        occupied(pool, server)
        texts = ["bad" if i in (3, 4, 17) else "1" for i in range(20)]
        futures = [submit(pool, text) for text in texts]
        done.set()

        for text, future in zip(texts, futures, strict=True):
            if text == "bad":
                with pytest.raises(RewardServerError, match="HTTP 422: bad"):
                    future.result()
            else:
                assert future.result().score == 1.0


def test_a_refusal_of_everything_is_not_narrowed_down(busy: tuple[Script, Event]) -> None:
    server, done = busy
    server.replies += always(status(401))
    with RemotePool([server.url]) as pool:
        occupied(pool, server)
        futures = [submit(pool) for _ in range(20)]
        done.set()

        assert all(isinstance(one.exception(), RewardServerError) for one in futures)
        assert len(server.requests) == 5


def test_what_the_server_had_no_time_for_is_sent_again() -> None:
    """Alone; the third time it stays a failure of the grader, which is no score."""
    with scripted() as server, RemotePool([server.url]) as pool:
        grade = pool.grade(PROBLEM, sample_of("late"))

        assert (grade.verdict, grade.score, grade.rule) == (Verdict.GRADER_ERROR, None, "deadline")
        assert server.batches == [["late"]] * 3


def test_close_does_not_wait_for_answers(busy: tuple[Script, Event]) -> None:
    """What was submitted is cancelled, whether it was sent or not."""
    server, _ = busy
    with RemotePool([server.url]) as pool:
        sent = occupied(pool, server)
        waiting = submit(pool)

    for future in (*sent, waiting):
        with pytest.raises(CancelledError):
            future.result(timeout=1)
    with pytest.raises(RuntimeError, match="the pool is closed"):
        submit(pool)


def test_close_ends_a_wait_for_a_server() -> None:
    """And with it the threads."""
    with scripted(*always(status(503, Retry_After="60"))) as server:
        with RemotePool([server.url]) as pool:
            future = submit(pool)
            while not server.requests:
                time.sleep(0.001)
            threads = [one for one in enumerate_threads() if one.name.startswith("rewards-")]
        with pytest.raises(CancelledError):
            future.result(timeout=1)
        for thread in threads:
            thread.join(timeout=10)
        assert [one.is_alive() for one in threads] == [False] * 4


def test_a_cancelled_future_is_not_sent(busy: tuple[Script, Event]) -> None:
    server, done = busy
    with RemotePool([server.url]) as pool:
        occupied(pool, server)
        cancelled, kept = submit(pool, "0"), submit(pool, "1")
        assert cancelled.cancel()
        done.set()

        assert kept.result().score == 1.0
        assert server.batches[4:] == [["1"]]
