"""Programs judged per second: evalkit with its isolation against the official harness without any.

usage: python benchmarks/code_speed.py --problems P.jsonl --programs S.jsonl
           [--harness CHECKOUT --harness-python PYTHON] [--mode official|process] [--limit N] [--rounds 3]

P.jsonl holds problems in LiveCodeBench's schema, S.jsonl rows {id, question_id, code}.
The harness is LiveCodeBench's at 28fef95; its PYTHON needs numpy, scipy, sympy, sortedcontainers and tqdm.
Both run with two processes; evalkit converts its problems beforehand, in a warm-up.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from timing import interleave, print_ratios, timed

from evalkit.graders.code_pool import MODES, CodePool
from evalkit.pairs import grade_pairs
from evalkit.sandbox.types import Mode

_GOALS = {Mode.OFFICIAL: "at most 0.667", Mode.PROCESS: "at most 1.0"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=Path, required=True)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--harness", type=Path)
    parser.add_argument("--harness-python")
    parser.add_argument("--mode", type=Mode, default=Mode.OFFICIAL)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    grader = {mode: name for name, mode in MODES.items()}[options.mode]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        programs = _sampled(options.programs, options.limit, folder)
        measures = {"evalkit": lambda: _evalkit(options.problems, programs, grader, folder)}
        _evalkit(options.problems, _sampled(programs, 20, folder / "warm"), grader, folder)
        if options.harness:
            measures["harness"] = lambda: _harness(options, programs, folder)
        results = interleave(measures, options.rounds, "s")
    if options.harness:
        print_ratios(results, "evalkit", {"harness": _GOALS[options.mode]})


def _sampled(programs: Path, limit: int | None, folder: Path) -> Path:
    """Every n-th row, so that all kinds of problems are among them."""
    lines = programs.read_text().splitlines()
    step = max(1, len(lines) // limit) if limit else 1
    folder.mkdir(exist_ok=True)
    chosen = folder / "programs.jsonl"
    chosen.write_text("\n".join(lines[::step]) + "\n")
    return chosen


def _evalkit(problems: Path, programs: Path, grader: str, folder: Path) -> float:
    out = folder / "evalkit.jsonl"
    out.unlink(missing_ok=True)
    with CodePool(grader, num_workers=2) as pool:
        before = os.times()
        started = time.monotonic()
        grade_pairs(programs, problems, out, pool)
        seconds = time.monotonic() - started
        after = os.times()
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    _print_rates(len(rows), sum(row.get("num_run", 0) for row in rows), seconds)
    inside = sum(row.get("cpu_s", 0.0) for row in rows)
    print(f"  CPU: programs {inside:.1f} s, evalkit {after.user - before.user:.1f} s")
    return seconds


def _harness(options: argparse.Namespace, programs: Path, folder: Path) -> float:
    out = folder / "harness.jsonl"
    script = Path(__file__).with_name("official_harness.py").resolve()
    files = (options.problems.resolve(), programs, out)
    seconds, _ = timed(
        [options.harness_python, str(script), *map(str, files)],
        cwd=options.harness,
        env={**os.environ, "PYTHONPATH": str(options.harness)},
    )
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    _print_rates(len(rows), sum(row["num_run"] for row in rows), seconds)
    return seconds


def _print_rates(num_programs: int, num_tests: int, seconds: float) -> None:
    print(
        f"  {num_programs} programs, {num_tests} tests: "
        f"{num_programs / seconds:.1f} programs/s, {num_tests / seconds:.0f} tests/s"
    )


if __name__ == "__main__":
    main()
