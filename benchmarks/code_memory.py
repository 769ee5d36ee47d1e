"""Peak memory of evalkit while it converts and grades tests as large as those of LiveCodeBench v6.

usage: python benchmarks/code_memory.py [--gib 4] [--problems 130] [--tests 43] [--folder DIR]

Makes a file in the hub's schema (every tenth problem has five times as much as the others), and runs two programs
per problem with two slots. Needs Docker, the sandbox image, and on disk about two thirds of --gib.
"""

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psutil
from hubfile import hub_row, write_programs, write_rows
from timing import BIN

_BLOCK_BYTES = 1 << 20
_POLL_S = 0.02
_PROGRAMS = (
    "import sys\nprint(len(sys.stdin.read()))\n",
    "import sys\nprint(len(sys.stdin.buffer.read().decode()))\n",
)


def make_problems(path: Path, num_problems: int, num_tests: int, num_bytes: int) -> None:
    """Half of each input are random numbers, half a line again and again, as in real tests."""
    draw = random.Random(0)
    numbers = (f"{draw.randrange(10**6)}{draw.choice('  _')}" for _ in range(_BLOCK_BYTES // 7))
    block = "".join(numbers).replace("_", "\n")
    weights = [5 if number % 10 == 0 else 1 for number in range(num_problems)]
    sizes = [num_bytes * weight // sum(weights) // num_tests for weight in weights]
    write_rows(
        path,
        (
            hub_row(f"p{number}", [_test(draw, block, size) for _ in range(num_tests)])
            for number, size in enumerate(sizes)
        ),
    )


def _test(draw: random.Random, block: str, size: int) -> dict[str, str]:
    """zlib looks back 32 KiB, so that the block, cut at another place each time, is new to it."""
    start = draw.randrange(len(block))
    half = (block[start:] + block * (1 + size // _BLOCK_BYTES))[: size // 2]
    text = half + "1 2 3 4 5\n" * (size // 20)
    return {"input": text, "output": f"{len(text)}\n", "testtype": "stdin"}


def measure(name: str, folder: Path, *command: str) -> str:
    """Runs a process to its end and prints its time and the peak of the memory of its whole tree."""
    started = time.monotonic()
    environment = {**os.environ, "EVALKIT_CACHE": str(folder)}
    process = psutil.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    peak = 0
    while process.status() != psutil.STATUS_ZOMBIE:
        peak = max(peak, _memory(process))
        time.sleep(_POLL_S)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name} failed:\n{printed}")
    mib = max(peak / 2**20, usage.ru_maxrss / 2**10)
    print(f"{name}: {time.monotonic() - started:.0f} s, peak {mib:,.0f} MiB", flush=True)
    return printed


def _memory(process: psutil.Process) -> int:
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=4)
    parser.add_argument("--problems", type=int, default=130)
    parser.add_argument("--tests", type=int, default=43)
    parser.add_argument("--folder", type=Path, help="where to make the files (and remove them)")
    options = parser.parse_args()
    convert = "import pathlib, sys; from evalkit.teststore import cached_store; "
    convert += "print(cached_store(pathlib.Path(sys.argv[1])).stat().st_size)"
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        problems, programs, out = (
            folder / f"{one}.jsonl" for one in ("problems", "programs", "out")
        )
        # Elsewhere, because a process starts with the peak memory of the one that started it.
        sizes = (options.problems, options.tests, int(options.gib * 2**30))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
            elsewhere.submit(make_problems, problems, *sizes).result()
        pairs = itertools.product((f"p{number}" for number in range(options.problems)), _PROGRAMS)
        write_programs(programs, pairs)
        print(f"{options.gib} GiB of tests, {problems.stat().st_size / 2**20:,.0f} MiB as a file")
        size = measure("conversion", folder, sys.executable, "-c", convert, str(problems))
        print(f"store: {int(size) / 2**20:,.0f} MiB")
        command = [str(BIN / "evalkit"), "grade-pairs", "--problems", str(problems), str(programs)]
        measure("grading", folder, *command, "--out", str(out), "--workers", "2")
        verdicts = [json.loads(line)["verdict"] for line in out.read_text().splitlines()]
        print(
            f"{verdicts.count('correct')} of {2 * options.problems} correct; goal under 1,024 MiB"
        )


if __name__ == "__main__":
    main()
