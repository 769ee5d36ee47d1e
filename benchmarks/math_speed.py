"""Answers graded per second: evalkit with one and two workers against Math-Verify called directly.

usage: python benchmarks/math_speed.py [--data DIR] [--limit N] [--rounds 3]

DIR holds real responses as *.jsonl with rows {problem_id, gold, response}. Each response is graded
once with an empty memo; then again with the responses of a problem repeated to 64 samples, from an
empty memo, too. Math-Verify parses and verifies each response once in one process; it remembers
nothing, so that repeats would cost it the same. Imports are not counted on either side. Memory is
read from /proc: Linux only.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from timing import interleave, print_ratios, timed

from evalkit.graders.pool import GraderPool
from evalkit.types import Answer, Problem, Sample

_DEFAULT = Path(__file__).parents[2] / "shared" / "data" / "model_outputs"
_NUM_SAMPLES = 64
_PEER = "Math-Verify"
_GOALS = {"once": "at least 10", "64 samples": "at least 100"}

Items = list[tuple[Problem, Sample]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=_DEFAULT)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    files = sorted(options.data.glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    if options.limit:
        rows = rows[:: max(1, len(rows) // options.limit)]
    sets = {"once": [_item(row) for row in rows], "64 samples": _repeated(rows)}
    subjects = {
        f"evalkit, {name}, {num_workers} worker(s)": (name, num_workers)
        for name, num_workers in itertools.product(sets, (1, 2))
    }
    measures = {
        subject: partial(_evalkit, sets[name], num_workers)
        for subject, (name, num_workers) in subjects.items()
    }
    _print_latency(sets["once"])
    results = interleave(
        {**measures, _PEER: partial(_math_verify, rows)}, options.rounds, "items/s"
    )
    for subject, (name, _) in subjects.items():
        print_ratios(results, subject, {_PEER: _GOALS[name]})


def _item(row: dict[str, Any]) -> tuple[Problem, Sample]:
    sample = Sample(
        task="speed",
        problem_id=row["problem_id"],
        index=0,
        seed=None,
        text=row["response"],
        finish_reason=None,
        num_tokens=None,
    )
    return Problem(row["problem_id"], (), Answer(row["gold"])), sample


def _repeated(rows: list[dict[str, Any]]) -> Items:
    by_problem = defaultdict(list)
    for row in rows:
        by_problem[row["problem_id"]].append(_item(row))
    return [
        item
        for items in by_problem.values()
        for item in itertools.islice(itertools.cycle(items), _NUM_SAMPLES)
    ]


def _evalkit(items: Items, num_workers: int) -> float:
    with GraderPool(num_workers=num_workers) as pool:
        pool.start()
        started = time.perf_counter()
        futures = [pool.submit(*item) for item in items]
        verdicts = Counter(str(future.result().verdict) for future in futures)
        seconds = time.perf_counter() - started
    print(f"  {len(items)} items: {dict(verdicts)}")
    return len(items) / seconds


def _math_verify(rows: list[dict[str, Any]]) -> float:
    script = Path(__file__).with_name("bare_math_verify.py")
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "rows.jsonl", Path(folder) / "out.json"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        timed([sys.executable, str(script), str(file), str(out)])
        found = json.loads(out.read_text())
    print(f"  {len(rows)} items: {found['num_correct']} correct; {_quantiles(found['seconds'])}")
    return len(rows) / sum(found["seconds"])


def _print_latency(items: Items) -> None:
    """One at a time, of each pair of gold and answer the first; and what a worker took at most."""
    seen, new, asked, peaks = set(), [], [], [0.0]
    with GraderPool(num_workers=1) as pool:
        pool.start()
        for problem, sample in items:
            started = time.perf_counter()
            future = pool.submit(problem, sample)
            was_easy = future.done()
            grade = future.result()
            seconds = time.perf_counter() - started
            pair = (problem.target, grade.extracted)
            if pair not in seen:
                seen.add(pair)
                new.append(seconds)
                if not was_easy:
                    asked.append(seconds)
                    peaks.append(_peak_mb())
    print(f"latency of {len(new)} new pairs: {_quantiles(new)}, goal of p99: under 20 ms")
    print(f"  of the {len(asked)} that a worker compared: {_quantiles(asked)}")
    print(f"peak memory of a worker: {max(peaks):.0f} MB, goal: under 300 MB")


def _quantiles(seconds: list[float]) -> str:
    ms = sorted(1000 * one for one in seconds)
    p99 = ms[min(len(ms) - 1, round(0.99 * len(ms)))]
    return f"p50 {statistics.median(ms):.2f} ms, p99 {p99:.2f} ms, maximum {ms[-1]:.1f} ms"


def _peak_mb() -> float:
    workers = [one for child in psutil.Process().children() for one in child.children()]
    status = [Path(f"/proc/{worker.pid}/status").read_text() for worker in workers]
    return max((int(one.partition("VmHWM:")[2].split()[0]) * 1.024e-3 for one in status), default=0)


if __name__ == "__main__":
    main()
