"""A mixed load on `evalkit serve` for a long time: does anything grow, is any answer wrong?

usage: python benchmarks/serve_soak.py [--data DIR] [--minutes 30] [--every 30] [--speed 1]

DIR is that of `serve_load.py`. Every answer is compared with in-process grades made beforehand. A
line every few seconds, and at the end the trend of each measure over the second half. The server
remembers the last 100,000 comparisons: at speed 1 that memory is full after some eleven minutes, so
that runs of less than 25 minutes still see it filling. The exit code is 1 where something grew or an
answer was wrong.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from scipy.stats import linregress
from serve_http import Client
from serve_items import DEFAULT_DATA
from serve_mix import Mix, Pick
from serve_process import Footprint, Server, end_on_terminate, started
from serve_tally import Tally, shown

# What a measure may rise by over the second half and still count as steady.
_ALLOWED = {
    "server_mib": 5.0,
    "children_mib": 20.0,
    "num_fds": 2.0,
    "num_processes": 1.0,
    "num_containers": 1.0,
    "queue_depth": 10.0,
}
_SIGNIFICANT = 0.01


@dataclass(frozen=True, slots=True)
class Moment:
    at_s: float
    footprint: Footprint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=30.0, help="seconds between lines")
    parser.add_argument("--speed", type=float, default=1.0, help="times the usual rate of requests")
    options = parser.parse_args()
    end_on_terminate()
    pick, tally = Pick.load(options.data), Tally()
    with started("--graders", "math,code") as server:
        moments = asyncio.run(
            _soak(server, Mix([Client(server.port)], pick, tally), options, tally)
        )
    print(f"requests: {shown(tally.requests)}\nitems: {tally.num_items:,}")
    print(f"faults: {shown(tally.faults)}")
    has_grown = [_trend(name, moments) for name in _ALLOWED]
    sys.exit(any(has_grown) or bool(tally.faults))


async def _soak(
    server: Server, mix: Mix, options: argparse.Namespace, tally: Tally
) -> list[Moment]:
    moments: list[Moment] = []
    watching = asyncio.create_task(_watch(server, tally, options.every, moments))
    try:
        await mix.run(options.minutes * 60, options.speed)
    finally:
        watching.cancel()
    return moments


async def _watch(server: Server, tally: Tally, every_s: float, moments: list[Moment]) -> None:
    started_at, num_before = time.monotonic(), 0
    print("s | " + " | ".join(one.name for one in fields(Footprint)) + " | items/s | faults")
    while True:
        await asyncio.sleep(every_s)
        footprint = await asyncio.to_thread(server.footprint)
        moments.append(Moment(time.monotonic() - started_at, footprint))
        num_items = tally.num_items
        values = [f"{getattr(footprint, one.name):,.0f}" for one in fields(Footprint)]
        rate = (num_items - num_before) / every_s
        line = [f"{moments[-1].at_s:.0f}", *values, f"{rate:.0f}", shown(tally.faults)]
        print(" | ".join(line), flush=True)
        num_before = num_items


def _trend(name: str, moments: Sequence[Moment]) -> bool:
    """Prints whether the measure grew over the second half; grown is what noise does not explain."""
    half = moments[len(moments) // 2 :]
    times = [one.at_s for one in half]
    if len(half) < 3:
        print(f"{name}: {len(half)} lines in the second half are too few for a trend")
        return False
    values = [float(getattr(one.footprint, name)) for one in half]
    line = linregress(times, values)
    rise = line.slope * (times[-1] - times[0])
    has_grown = rise > _ALLOWED[name] and line.pvalue < _SIGNIFICANT
    print(
        f"{name}: {'GREW' if has_grown else 'steady'}, {line.slope * 3600:+.2f} an hour; from "
        f"{min(values):.1f} to {max(values):.1f} in the second half, allowed rise {_ALLOWED[name]:g}"
    )
    return bool(has_grown)


if __name__ == "__main__":
    main()
