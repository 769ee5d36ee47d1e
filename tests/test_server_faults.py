"""The reward server while its parts are killed, clients misbehave, and it is told to stop."""

import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from serving import Server, dying_graders, serving

from evalkit.sandbox.owner import OWNER, SANDBOX

if TYPE_CHECKING:
    from docker import DockerClient

Item = dict[str, Any]
NUM_COMPARISONS = 1_000
NUM_PROGRAMS = 8
UNGUARDED = "math-verify"
HANGING = "10000000!"
PATIENCE_S = 60.0
DOUBLE = "import time\ntime.sleep(0.5)\nprint(2 * int(input()))  # {}"
REQUEST = (
    "POST /grade HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: {}\r\n\r\n"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--graders", f"math,{UNGUARDED}", "--grader-workers", "2") as running:
        yield running


def comparison(number: int, *, is_right: bool) -> Item:
    """What a worker has to compute: a root against a number."""
    gold = number if is_right else number + 1
    return {"target": str(gold), "completion": rf"\boxed{{\sqrt{{{number**2}}}}}"}


def comparisons(first: int) -> list[Item]:
    return [comparison(first + i, is_right=i % 2 == 0) for i in range(NUM_COMPARISONS)]


def program(number: int) -> Item:
    code = DOUBLE.format(number)
    output = 2 * number if number % 2 == 0 else 2 * number + 1
    target = {"inputs": [str(number)], "outputs": [str(output)]}
    return {"target": target, "completion": f"```python\n{code}\n```"}


def hanging(number: int) -> Item:
    """Takes as long as a comparison may, in each of two workers."""
    text = rf"$\boxed{{{HANGING}}}$ {number}"
    return {"grader": UNGUARDED, "target": "5", "completion": text}


def expected_verdicts(count: int) -> list[str]:
    return ["correct" if i % 2 == 0 else "wrong" for i in range(count)]


def verdicts(reply: httpx.Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [grade["verdict"] for grade in reply.json()["grades"]]


def ask(
    server: Server, items: list[Item], post: Callable[..., httpx.Response] = httpx.post
) -> httpx.Response:
    return post(f"{server.url}/grade", json={"items": items}, timeout=PATIENCE_S)


def ask_meanwhile(server: Server, items: list[Item]) -> "Future[httpx.Response]":
    thread = ThreadPoolExecutor(1)
    try:
        return thread.submit(ask, server, items)
    finally:
        thread.shutdown(wait=False)


def wait_until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return found


def supervisors(server: Server) -> list[psutil.Process]:
    children = psutil.Process(server.pid).children()
    return [one for one in children if "evalkit.graders.supervisor" in one.cmdline()]


def busy_workers(server: Server) -> list[psutil.Process]:
    found = [worker for parent in supervisors(server) for worker in parent.children()]
    return [one for one in found if one.status() == psutil.STATUS_RUNNING]


def metric(server: Server, name: str) -> float:
    text = httpx.get(f"{server.url}/metrics").text
    return sum(map(float, re.findall(rf"^evalkit_{name}{{\S* (\S+)$", text, re.MULTILINE)))


def is_serving(server: Server) -> bool:
    return verdicts(ask(server, [{"target": "1/2", "completion": r"\boxed{0.5}"}])) == ["correct"]


def connected(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((str(address.hostname), int(address.port or 0)), PATIENCE_S)


def raw_request(items: list[Item]) -> bytes:
    body = json.dumps({"items": items}).encode()
    return REQUEST.format(len(body)).encode() + body


def test_workers_killed_at_work_change_no_verdict(server: Server) -> None:
    """What they were comparing is compared by others; all else goes on."""
    answer = ask_meanwhile(server, comparisons(1_000_000))

    for worker in wait_until(lambda: busy_workers(server)):
        worker.kill()

    assert not answer.done()
    assert verdicts(answer.result()) == expected_verdicts(NUM_COMPARISONS)


def test_a_killed_supervisor_changes_no_verdict(server: Server) -> None:
    """It takes its workers with it; others are there before anybody has asked twice in vain."""
    answer = ask_meanwhile(server, comparisons(2_000_000))

    wait_until(lambda: busy_workers(server))
    for supervisor in supervisors(server):
        supervisor.kill()

    assert not answer.done()
    assert verdicts(answer.result()) == expected_verdicts(NUM_COMPARISONS)


def test_workers_killed_all_the_time_give_no_wrong_verdict(server: Server) -> None:
    """A comparison that is lost twice is a grader error without a score."""
    items = comparisons(3_000_000)[:50]
    with dying_graders(server.pid):
        grades = ask(server, items).json()["grades"]

    for grade, expected in zip(grades, expected_verdicts(len(items)), strict=True):
        is_error = grade["verdict"] == "grader_error"
        assert is_error or grade["verdict"] == expected
        assert (grade["score"] is None) == is_error


@pytest.mark.docker
def test_killed_containers_change_no_verdict(sandbox_client: "DockerClient") -> None:
    """Programs that were running in them are run again in others."""

    def running(pid: int) -> list[Any]:
        """Containers with more in them than the two processes of the sandbox itself."""
        found = sandbox_client.containers.list(
            filters={"label": f"{SANDBOX}=1"}, ignore_removed=True
        )
        mine = [one for one in found if one.labels[OWNER].startswith(f"{pid}:")]
        return [one for one in mine if len(one.top()["Processes"]) > 2]

    with serving("--graders", "code", "--grader-workers", "2") as server:
        answer = ask_meanwhile(server, [program(i) for i in range(NUM_PROGRAMS)])
        for container in wait_until(lambda: running(server.pid)):
            container.kill()

        assert not answer.done()
        assert verdicts(answer.result()) == expected_verdicts(NUM_PROGRAMS)


def test_requests_under_way_are_finished_before_the_server_stops() -> None:
    """Nobody new is let in meanwhile; nothing is left of the server."""
    with serving("--grader-workers", "2") as server:
        process = psutil.Process(server.pid)
        answer = ask_meanwhile(server, comparisons(4_000_000))
        wait_until(lambda: busy_workers(server))
        below = process.children(recursive=True)

        os.kill(server.pid, signal.SIGTERM)

        assert verdicts(answer.result()) == expected_verdicts(NUM_COMPARISONS)
        assert process.wait(PATIENCE_S) == 0
        assert psutil.wait_procs(below, PATIENCE_S)[1] == []
        with pytest.raises(httpx.ConnectError):
            ask(server, [])


def test_requests_that_are_not_finished_in_time_are_refused() -> None:
    """Whoever asked is told when to ask again, and gets no verdict."""
    with serving("--graders", UNGUARDED, "--drain-s", "0.1") as server:
        answer = ask_meanwhile(server, [hanging(0)])
        wait_until(lambda: busy_workers(server))

        os.kill(server.pid, signal.SIGTERM)

        assert answer.result().status_code == 503
        assert int(answer.result().headers["Retry-After"]) > 0
        for worker in busy_workers(server):  # nobody waits for it any more
            worker.kill()


def test_the_items_of_a_client_that_went_away_are_dropped(server: Server) -> None:
    """All but the few that workers have begun with, each of which costs two workers here."""
    num_before = metric(server, "worker_restarts_total")
    with closing(connected(server)) as client:
        client.sendall(raw_request([hanging(i) for i in range(100)]))
        wait_until(lambda: metric(server, "queue_depth") > 0)

    with dying_graders(server.pid):
        wait_until(lambda: metric(server, "queue_depth") == metric(server, "under_way") == 0)
    assert metric(server, "worker_restarts_total") - num_before < 50
    assert is_serving(server)


def test_a_client_that_does_not_read_holds_up_nobody(server: Server) -> None:
    items = [{"target": "5", "completion": rf"\boxed{{{'7' * 400}}}"}] * 9_000
    with closing(connected(server)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(raw_request(items))

        assert is_serving(server)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_half_sent_requests_hold_up_nobody(server: Server, share: float) -> None:
    request = raw_request([comparison(1, is_right=True)] * 100)
    clients = [connected(server) for _ in range(20)]
    try:
        for client in clients:
            client.sendall(request[: int(share * len(request))])
        assert is_serving(server)
    finally:
        for client in clients:
            client.close()
    assert is_serving(server)


def test_a_body_that_does_not_come_is_given_up() -> None:
    """After as long as the operator allows for it."""
    with serving("--body-s", "0.1") as server, closing(connected(server)) as client:
        client.sendall(raw_request([comparison(1, is_right=True)])[:-10])

        assert client.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_answers_of_concurrent_requests_keep_order_and_length(server: Server) -> None:
    """64 requests of different lengths at the same time, each with its own ids."""
    batches = [
        [
            {"id": f"{request}-{i}", **comparison(64 * i + request, is_right=i % 2 == 0)}
            for i in range(request)
        ]
        for request in range(64)
    ]
    with httpx.Client() as client, ThreadPoolExecutor(len(batches)) as threads:
        replies = list(threads.map(lambda items: ask(server, items, client.post), batches))

    for batch, reply in zip(batches, replies, strict=True):
        assert [grade["id"] for grade in reply.json()["grades"]] == [item["id"] for item in batch]
        assert verdicts(reply) == expected_verdicts(len(batch))
