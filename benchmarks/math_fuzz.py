"""Fuzzes extraction and comparison with mutated golds and completions; exit code 1 on any finding.

usage: python benchmarks/math_fuzz.py (--minutes M | --cases N) [--seed S] [--data DIR] [--workers 2]
       python benchmarks/math_fuzz.py --seed S --only NUMBER [--data DIR]     shows one case again

DIR holds responses as *.jsonl with rows {gold, response}, which are mutated beside made-up ones. A
finding is an exception, a grader error, a completion that keeps the caller for more than a second,
a worker above 300 MB, or memory that does not come back after a pool is closed. Memory is read
from /proc: Linux only.
"""

import argparse
import gc
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from fuzz_cases import make_case

from evalkit.graders.pool import GraderPool
from evalkit.types import Answer, Grade, Problem, Sample

_CASES_PER_POOL = 2000
_CASES_PER_LOOK = 50  # at the memory of the workers
_CALLER_LIMIT_S = 1.0
_WORKER_LIMIT_MB = 300
_GROWTH_LIMIT_MB = 50
_MAX_SHOWN = 600


@dataclass
class Fuzz:
    """What to mutate, and what was found."""

    seed: int
    num_workers: int
    golds: Sequence[str] = ()
    responses: Sequence[str] = ()
    verdicts: Counter[str] = field(default_factory=Counter)
    num_findings: int = 0
    slowest_s: float = 0.0
    worker_mb: float = 0.0

    def grade(self, first: int, end: int) -> None:
        """Grades the cases with these numbers in a pool of their own."""
        with GraderPool(num_workers=self.num_workers) as pool:
            pool.start()
            futures = {number: self._submitted(pool, number) for number in range(first, end)}
            for number, future in futures.items():
                if future is not None:
                    self._look_at(number, future)
                if number % _CASES_PER_LOOK == 0:
                    self.worker_mb = max(self.worker_mb, _workers_peak_mb())
        if self.worker_mb > _WORKER_LIMIT_MB:
            self._report(f"a worker took {self.worker_mb:.0f} MB at cases {first} to {end}")

    def case(self, number: int) -> tuple[str, str]:
        return make_case(self.seed, number, self.golds, self.responses)

    def _submitted(self, pool: GraderPool, number: int) -> "Future[Grade] | None":
        gold, text = self.case(number)
        sample = Sample(
            task="fuzz",
            problem_id=str(number),
            index=0,
            seed=None,
            text=text,
            finish_reason=None,
            num_tokens=None,
        )
        started = time.perf_counter()
        try:
            future = pool.submit(Problem(str(number), (), Answer(gold)), sample)
        except Exception as error:  # noqa: BLE001 - what is looked for
            self._report(f"{type(error).__name__}: {error}", number)
            return None
        seconds = time.perf_counter() - started
        self.slowest_s = max(self.slowest_s, seconds)
        if seconds > _CALLER_LIMIT_S:
            self._report(f"the caller was kept for {seconds:.1f} s", number)
        return future

    def _look_at(self, number: int, future: "Future[Grade]") -> None:
        grade = future.result()
        self.verdicts[str(grade.verdict)] += 1
        self.slowest_s = max(self.slowest_s, grade.seconds)
        if grade.score is None:
            self._report(
                f"{grade.verdict}: {grade.detail}; extracted {grade.extracted!r:.200}", number
            )

    def _report(self, what: str, number: int | None = None) -> None:
        self.num_findings += 1
        print(f"FINDING {what}")
        if number is not None:
            gold, text = (_shown(one) for one in self.case(number))
            print(
                f"    case {number}, seed {self.seed}\n    gold {gold}\n    text {text}", flush=True
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float)
    length.add_argument("--cases", type=int)
    length.add_argument("--only", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    rows = _rows(options.data) if options.data else []
    golds, responses = zip(*rows, strict=True) if rows else ((), ())
    fuzz = Fuzz(options.seed, options.workers, golds, responses)
    print(f"seed {fuzz.seed}", flush=True)
    if options.only is not None:
        print(*map(repr, fuzz.case(options.only)), sep="\n")
        fuzz.grade(options.only, options.only + 1)
    else:
        _run(fuzz, options.minutes, options.cases)
    print(f"{fuzz.num_findings} findings")
    sys.exit(fuzz.num_findings > 0)


def _run(fuzz: Fuzz, minutes: float | None, num_cases: int | None) -> None:
    end = time.monotonic() + 60 * minutes if minutes else None
    number, first_mb, grown_mb = 0, None, 0.0
    while time.monotonic() < end if end else number < num_cases:
        size = min(_CASES_PER_POOL, num_cases - number) if num_cases else _CASES_PER_POOL
        fuzz.grade(number, number + size)
        number += size
        gc.collect()
        now_mb = psutil.Process().memory_info().rss / 1e6
        first_mb = first_mb or now_mb
        grown_mb = now_mb - first_mb
    print(f"{number} cases: {dict(fuzz.verdicts)}")
    print(f"slowest {fuzz.slowest_s:.2f} s; largest worker {fuzz.worker_mb:.0f} MB")
    print(f"this process grew by {grown_mb:.0f} MB after its first {_CASES_PER_POOL} cases")
    if grown_mb > _GROWTH_LIMIT_MB:
        fuzz.num_findings += 1
        print(f"FINDING memory grew by more than {_GROWTH_LIMIT_MB} MB")


def _rows(folder: Path) -> list[tuple[str, str]]:
    lines = [
        line for file in sorted(folder.glob("*.jsonl")) for line in file.open(encoding="utf-8")
    ]
    return [(row["gold"], row["response"]) for row in map(json.loads, lines)]


def _shown(text: str) -> str:
    shown = ascii(text)
    return (
        shown if len(shown) < _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}... ({len(text):,} characters)"
    )


def _workers_peak_mb() -> float:
    workers = [one for child in psutil.Process().children() for one in child.children()]
    status = [Path(f"/proc/{worker.pid}/status").read_text() for worker in workers]
    return max((int(one.partition("VmHWM:")[2].split()[0]) * 1.024e-3 for one in status), default=0)


if __name__ == "__main__":
    main()
