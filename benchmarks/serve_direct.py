"""Grades items in a process of its own without a server, and prints what that took as JSON.

usage: python benchmarks/serve_direct.py FILE [--warm]

FILE is what `serve_load.py` writes: items, pickled. With --warm all of them are graded once before
the clock starts; workers or containers are there before it starts in any case.
"""

import argparse
import json
import os
import pickle
import time
from pathlib import Path

from serve_cpu import cpu_s
from serve_items import fresh, grade_all

from evalkit.graders.opening import open_pool
from evalkit.graders.pool import GraderPool

_NUM_FIRST = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--warm", action="store_true")
    options = parser.parse_args()
    items = pickle.loads(options.file.read_bytes())
    with open_pool(items[0].grader) as pool:
        if isinstance(pool, GraderPool):
            pool.start()
        else:
            grade_all(pool, [fresh(item, 1) for item in items[:_NUM_FIRST]])
        if options.warm:
            grade_all(pool, items)
        before, started = cpu_s(os.getpid()), time.perf_counter()
        grade_all(pool, items)
        wall_s = time.perf_counter() - started
        print(json.dumps({"wall_s": wall_s, "cpu_s": cpu_s(os.getpid()) - before}))


if __name__ == "__main__":
    main()
