"""Load on `evalkit serve`: items per second, latency, and what the server costs beside grading.

usage: python benchmarks/serve_load.py [--data DIR] [--rounds 3] [--no-code]

DIR has real responses to MATH-500 (model_outputs/), published programs (code_solutions.jsonl) and
LiveCodeBench problems (livecodebench/). Every answer of the server is compared with the grade that
was made in process beforehand. Server and generator share the machine: what the generator took of a
core is in the tables, and what all others took, containers included. Figures are medians over the
rounds. What is graded:

  repeated     all responses, which this server has graded before
  first sight  all responses, shuffled, to a server that was just started: some answers are equal
  new          of each pair of gold and answer that only a worker process can compare, the first
               response, to a server that was just started: nothing is answered from memory;
               there are 788 of them, so that the batch of 1024 is one request
  programs     programs that this server has not seen, told apart by a comment; they run in Docker

In each round the same items are also graded by a pool in a process of its own, without a server
(`serve_direct.py`). CPU is that of the process tree, without containers. Latency at half load:
batches of one that arrive at random, half as many as the server managed in the closed loop above;
new ones are then told apart by a tolerance too small to matter.
"""

import argparse
import asyncio
import itertools
import json
import pickle
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from serve_cells import Cell, Direct, print_overhead, print_table
from serve_checks import batched, check_all, grade_message
from serve_cpu import machine_cpu_s
from serve_drive import closed_loop, open_loop
from serve_items import (
    DEFAULT_DATA,
    Item,
    asked_of_workers,
    fresh,
    graded,
    maths_items,
    program_items,
)
from serve_process import Server, end_on_terminate, started
from timing import timed

REPEATED, FIRST, NEW, PROGRAMS = "repeated", "first sight", "new", "programs"
_CONNECTIONS = {1: 16, 64: 4, 1024: 2}
_CODE_SIZES = (1, 64)
_HALF_LOAD_S = 10.0
_NUM_PROGRAMS = 256

Sets = dict[str, list[Item]]
Rounds = defaultdict[tuple[str, int], list[Cell]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-code", action="store_true")
    options = parser.parse_args()
    end_on_terminate()
    sets = _sets(options.data, has_code=not options.no_code)
    cells: Rounds = defaultdict(list)
    directs = defaultdict(list)
    for number in range(1, options.rounds + 1):
        print(f"round {number} of {options.rounds}", flush=True)
        _measure_maths(sets, cells)
        if PROGRAMS in sets:
            _measure_programs(sets[PROGRAMS], number, cells)
        for name, items in sets.items():
            directs[name].append(_direct(items, is_warm=name == REPEATED))
    halves: Rounds = defaultdict(list)
    for _ in range(options.rounds):
        _measure_half_load(sets, cells, halves)
    print_table("as fast as it can", cells)
    print("goals: 2,000 items/s for repeated, 300 for new")
    print_table("at half of that", halves)
    print("goal: p99 under 50 ms")
    print_overhead(cells, directs)


def _sets(data: Path, *, has_code: bool) -> Sets:
    items = graded(maths_items(data))
    random.Random(0).shuffle(items)
    sets = {REPEATED: items, FIRST: items, NEW: asked_of_workers(items)}
    if has_code:
        sets[PROGRAMS] = graded(program_items(data, _NUM_PROGRAMS))
    print(", ".join(f"{name}: {len(found)} items" for name, found in sets.items()), flush=True)
    return sets


def _measure_maths(sets: Sets, cells: Rounds) -> None:
    for name, size in itertools.product((FIRST, NEW), _CONNECTIONS):
        with started("--graders", "math") as server:
            cells[name, size].append(_cell(server, sets[name], size))
    with started("--graders", "math") as server:
        _cell(server, sets[REPEATED], 1024)
        for size in _CONNECTIONS:
            cells[REPEATED, size].append(_cell(server, sets[REPEATED], size))


def _measure_programs(items: Sequence[Item], number: int, cells: Rounds) -> None:
    with started("--graders", "code") as server:
        _cell(server, items[:8], 1)  # the containers are there when the clock starts
        for size in _CODE_SIZES:
            unseen = [fresh(item, number * 1000 + size) for item in items]
            cells[PROGRAMS, size].append(_cell(server, unseen, size))


def _cell(server: Server, items: Sequence[Item], size: int, per_s: float | None = None) -> Cell:
    """As fast as the server can, or with `per_s` requests at random moments."""
    batches = list(batched(items, size))
    requests = [grade_message(batch) for batch in batches]
    server_s, all_s = server.cpu_s(), machine_cpu_s()
    if per_s is None:
        driven = asyncio.run(closed_loop(server.port, requests, _CONNECTIONS[size]))
    else:
        driven = asyncio.run(open_loop(server.port, requests, per_s))
    server_s, all_s = server.cpu_s() - server_s, machine_cpu_s() - all_s
    check_all(batches, driven.replies)
    return Cell(len(items), driven, server_s, all_s - server_s - driven.own_cpu_s)


def _direct(items: Sequence[Item], *, is_warm: bool) -> Direct:
    script = Path(__file__).with_name("serve_direct.py")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "items.pickle"
        file.write_bytes(pickle.dumps(items))
        more = ["--warm"] if is_warm else []
        _, output = timed([sys.executable, str(script), str(file), *more])
    found = json.loads(output)
    return Direct(1e6 * found["cpu_s"] / len(items), 1e6 * found["wall_s"] / len(items))


def _measure_half_load(sets: Sets, cells: Rounds, halves: Rounds) -> None:
    with started("--graders", "math") as server:
        _cell(server, sets[REPEATED], 1024)
        for name in (REPEATED, NEW):
            per_s = statistics.median(cell.per_s for cell in cells[name, 1]) / 2
            count = int(per_s * _HALF_LOAD_S)
            items = list(itertools.islice(itertools.cycle(sets[name]), count))
            if name == NEW:
                items = [fresh(item, number) for number, item in enumerate(items, 1)]
            halves[name, 1].append(_cell(server, items, 1, per_s))


if __name__ == "__main__":
    main()
