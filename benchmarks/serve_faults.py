"""Two servers under load while parts of them are killed: wrong, lost or doubled answers, and errors.

usage: python benchmarks/serve_faults.py [--data DIR] [--minutes 5] [--every 3] [--restart-docker]

DIR is that of `serve_load.py`. Every few seconds a random grader worker, supervisor or container of a
random server is killed; after a third of the time one server is stopped by SIGTERM and started again
on its port; after two thirds, with --restart-docker, so is Docker. Meanwhile plain clients, which do
not try again, send the load of `serve_soak.py` to either server, and RemotePool grades answers and
programs on both. Every answer is compared with in-process grades made beforehand. The exit code is 1
where something happened that was not promised.
"""

import argparse
import asyncio
import itertools
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from serve_checks import GRADER_ERROR, grade_fault
from serve_http import Client
from serve_items import DEFAULT_DATA, Item, fields_of, fresh
from serve_mix import Mix, Pick
from serve_process import end_on_terminate, started
from serve_tally import LEFT_OUT, REFUSED, Tally, shown
from serve_trouble import Trouble, docker_daemon

from evalkit.graders.remote import RemotePool
from evalkit.types import RewardServerError

_PROMISED = {"429", "503", REFUSED, GRADER_ERROR, LEFT_OUT}
_NUM_REMOTE = {"math": 32, "code": 4}
_FIRST_NUMBER = 1_000_000  # beyond those of the plain clients
_REMOTE_PAUSE_S = 0.2
_SPEED = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument(
        "--every", type=float, default=3.0, help="seconds between kills, on average"
    )
    parser.add_argument("--restart-docker", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    end_on_terminate()
    if options.restart_docker:
        docker_daemon()
    pick, tally = Pick.load(options.data), Tally()
    with ExitStack() as stack:
        servers = [stack.enter_context(started("--graders", "math,code")) for _ in range(2)]
        trouble = Trouble(servers, stack, seed=options.seed)
        mix = Mix([Client(one.port) for one in servers], pick, tally, seed=options.seed)
        urls = [one.url for one in servers]
        asyncio.run(_run(mix, urls, pick, tally, trouble, options))
        for server in servers:
            print(f"{server.url} at the end: {server.footprint()}")
    _report(tally, trouble)


async def _run(
    mix: Mix,
    urls: Sequence[str],
    pick: Pick,
    tally: Tally,
    trouble: Trouble,
    options: argparse.Namespace,
) -> None:
    duration_s = options.minutes * 60
    is_over = threading.Event()
    async with asyncio.TaskGroup() as group:
        load = group.create_task(mix.run(duration_s, speed=_SPEED))
        load.add_done_callback(lambda _: is_over.set())
        for grader, items in {"math": pick.hard, "code": pick.programs}.items():
            asking = asyncio.to_thread(_ask_remotely, urls, grader, items, tally, is_over)
            group.create_task(asking)
        group.create_task(_make_trouble(trouble, duration_s, options))


async def _make_trouble(trouble: Trouble, duration_s: float, options: argparse.Namespace) -> None:
    start = time.monotonic()
    plan = [(duration_s / 3, trouble.restart_server)]
    if options.restart_docker:
        plan.append((duration_s * 2 / 3, trouble.restart_docker))
    while (now := time.monotonic() - start) < duration_s:
        is_due = plan and plan[0][0] <= now
        await asyncio.to_thread(plan.pop(0)[1] if is_due else trouble.kill_something)
        await asyncio.sleep(options.every)


def _ask_remotely(
    urls: Sequence[str], grader: str, items: Sequence[Item], tally: Tally, is_over: threading.Event
) -> None:
    numbers = itertools.count(_FIRST_NUMBER)
    rounds = itertools.cycle(items)
    with RemotePool(urls, grader) as pool:
        while not is_over.wait(_REMOTE_PAUSE_S):
            asked = [
                fresh(item, next(numbers)) for item in itertools.islice(rounds, _NUM_REMOTE[grader])
            ]
            faults = _remote_faults(pool, asked)
            tally.add(f"remote {grader}", len(asked), faults)


def _remote_faults(pool: RemotePool, items: Sequence[Item]) -> Counter[str]:
    futures = [pool.submit(item.problem, item.sample) for item in items]
    faults: Counter[str] = Counter()
    for item, future in zip(items, futures, strict=True):
        try:
            fault = grade_fault(item, fields_of(future.result()))
        except RewardServerError as error:
            fault = f"RemotePool: {error}"
        faults.update([fault] if fault else [])
    return faults


def _report(tally: Tally, trouble: Trouble) -> None:
    faults = tally.faults
    promised = {name: count for name, count in faults.items() if name in _PROMISED}
    others = {name: count for name, count in faults.items() if name not in _PROMISED}
    print(f"done: {shown(trouble.done)}")
    print(f"requests: {shown(tally.requests)}; items: {tally.num_items:,}")
    print(f"errors that were promised: {shown(promised)}")
    print(f"wrong, lost or doubled answers, and errors not promised: {shown(others)}")
    sys.exit(bool(others))


if __name__ == "__main__":
    main()
