"""Trivial tests per second, and where their CPU time goes; `docker run` and `docker exec` per test for comparison.

usage: python benchmarks/trivial_tests.py [--tests 3000] [--programs 1000] [--peer-tests 40] [--slots 2]

A program per slot with many tests, then many programs with one. docker_cpu.py says what the CPU times mean; that of
the containers of `docker run` is not known but for the machine's.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docker import DockerClient
from docker_cpu import cpu_seconds
from hubfile import hub_row, write_programs, write_rows

from evalkit.graders.code_pool import CodePool
from evalkit.pairs import grade_pairs
from evalkit.sandbox.client import connect
from evalkit.sandbox.image import find_image
from evalkit.sandbox.owner import OWNER, owner
from evalkit.teststore import cached_store

_PROGRAM = "print(input())"


def make_files(folder: Path, num_programs: int, num_tests: int) -> tuple[Path, Path]:
    """One problem with `num_tests` tests, and programs that differ in a comment."""
    row = hub_row("echo", [{"input": f"{k}\n", "output": f"{k}\n"} for k in range(num_tests)])
    pairs = (("echo", f"{_PROGRAM}  # {number}") for number in range(num_programs))
    problems = write_rows(folder / f"{num_tests}.jsonl", [row])
    return problems, write_programs(folder / f"{num_tests}-programs.jsonl", pairs)


def measure(
    name: str, num_tests: int, work: Callable[[], object], client: DockerClient, ids: set[str]
) -> None:
    time.sleep(1)  # until what came before has ended
    before, started = cpu_seconds(client, ids), time.monotonic()
    work()
    seconds, after = time.monotonic() - started, cpu_seconds(client, ids)
    parts = (f"{one} {1000 * (after[one] - before[one]) / num_tests:.1f}" for one in before)
    print(f"{name}: {num_tests / seconds:.1f} tests/s; CPU ms per test: {', '.join(parts)}")
    print(f"  load average {os.getloadavg()[0]:.1f}", flush=True)


def measure_evalkit(
    client: DockerClient, folder: Path, grader: str, slots: int, num_programs: int, num_tests: int
) -> None:
    problems, programs = make_files(folder, num_programs, num_tests)
    out, mine = folder / f"{grader}-{num_tests}", {"label": f"{OWNER}={owner()}"}
    cached_store(problems)
    with CodePool(grader, num_workers=slots) as pool, ThreadPoolExecutor(slots) as threads:
        list(threads.map(lambda _: pool.describe(), range(slots)))  # starts the containers
        ids = {one.id for one in client.containers.list(filters=mine)}
        name = f"{grader}, {num_programs} programs with {num_tests} test{'s' * (num_tests > 1)}"
        work = lambda: grade_pairs(programs, problems, out, pool)  # noqa: E731
        measure(name, num_programs * num_tests, work, client, ids)
        if {one.id for one in client.containers.list(filters=mine)} != ids:
            print("  containers were started or replaced meanwhile: some CPU time is not counted")
    verdicts = [json.loads(line)["verdict"] for line in out.read_text().splitlines()]
    assert verdicts == ["correct"] * num_programs, verdicts


def measure_peers(client: DockerClient, num_tests: int, slots: int) -> None:
    image, python = find_image(client).name, ["-I", "-c", _PROGRAM]
    options = ["--rm", "--network", "none", "--log-driver", "none", "--entrypoint"]
    command = ["docker", "run", "-i", *options, "python3", image, *python]
    work = lambda: _each(num_tests, slots, lambda _: command)  # noqa: E731
    measure("docker run", num_tests, work, client, set())
    idle = ["docker", "run", "-d", *options, "sleep", image, "600"]
    ids = [subprocess.check_output(idle, text=True).strip() for _ in range(slots)]
    try:
        prefixes = [["docker", "exec", "-i", one, "python3", *python] for one in ids]
        work = lambda: _each(num_tests, slots, lambda k: prefixes[k % slots])  # noqa: E731
        measure("docker exec", num_tests, work, client, set(ids))
    finally:
        subprocess.run(["docker", "rm", "-f", *ids], check=True, stdout=subprocess.DEVNULL)


def _each(num_tests: int, slots: int, command: Callable[[int], list[str]]) -> None:
    def one(number: int) -> None:
        assert subprocess.check_output(command(number), input=f"{number}\n", text=True).strip()

    with ThreadPoolExecutor(slots) as threads:
        list(threads.map(one, range(num_tests)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in {"tests": 3000, "programs": 1000, "peer-tests": 40, "slots": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    sizes = ((options.slots, options.tests // options.slots), (options.programs, 1))
    client = connect()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EVALKIT_CACHE"] = folder
        for grader in ("code-process", "code"):
            for size in sizes:
                measure_evalkit(client, Path(folder), grader, options.slots, *size)
    measure_peers(client, options.peer_tests, options.slots)
    print("goal of evalkit: at least 150 tests/s")
    client.close()


if __name__ == "__main__":
    main()
