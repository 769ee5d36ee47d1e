"""Programs graded while a real Docker daemon, one of our own, is stopped and started again."""

import gc
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalkit.graders.code_pool import CodePool
from evalkit.sandbox.client import connect
from evalkit.sandbox.image import find_image
from evalkit.types import Grade, InlineTests, Problem, Sample, Verdict

if TYPE_CHECKING:
    from concurrent.futures import Future

    from docker import DockerClient

pytestmark = [pytest.mark.docker, pytest.mark.slow]

NUM_PROGRAMS = 120
TESTS = InlineTests(inputs=("1 2", "3 4"), outputs=("3", "7"))


class Daemon:
    """A dockerd with folders and a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix://{folder}/docker.sock"
        self._folder = folder
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *("dockerd", "--iptables=false", "--bridge=none", "--host", self.address),
                *("--data-root", f"{self._folder}/data", "--exec-root", f"{self._folder}/exec"),
                *("--pidfile", f"{self._folder}/pid"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """Takes the ten seconds that Docker gives its containers to end."""
        self._process.terminate()
        self._process.wait(timeout=60)


@pytest.fixture
def daemon(
    sandbox_client: "DockerClient", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    if os.geteuid() or not shutil.which("dockerd"):
        pytest.skip("a Docker daemon can be started by root only, where dockerd is installed")
    folder = tmp_path_factory.mktemp("docker")
    made = Daemon(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", made.address)
        wait_until(lambda: (folder / "docker.sock").exists())
        client = connect()
        client.images.load(
            sandbox_client.images.get(find_image(sandbox_client).name).save(named=True)
        )
        client.close()
        yield made
    made.stop()
    unmount_below(folder)
    shutil.rmtree(folder)


def unmount_below(folder: Path) -> None:
    """Docker leaves mounted what it was about to start when it was stopped."""
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in sorted(places, reverse=True):
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", place], check=True)


def wait_until(is_true: Callable[[], bool], limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def submit(pool: CodePool, number: int) -> "Future[Grade]":
    """Every third program is wrong; each takes its time."""
    total = "a + b" if number % 3 else "a + b + 1"
    code = f"import time\ntime.sleep(0.2)\na, b = map(int, input().split())\nprint({total})"
    sample = Sample(
        task="sums",
        problem_id="sum",
        index=number,
        seed=None,
        text=f"```python\n{code}  # {number}\n```\n",
        finish_reason="stop",
        num_tokens=None,
    )
    return pool.submit(Problem("sum", (), TESTS), sample)


def expected(number: int) -> Verdict:
    return Verdict.CORRECT if number % 3 else Verdict.WRONG


# The docker library leaks its socket where it cannot connect.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_docker_that_is_restarted_under_load_costs_no_verdict(daemon: Daemon) -> None:
    """None is wrong. What fails while Docker is away for long is a grader error until asked again."""
    with CodePool("code-process", num_workers=2) as pool:
        futures = [submit(pool, number) for number in range(NUM_PROGRAMS)]
        wait_until(lambda: sum(one.done() for one in futures) >= 10)
        daemon.stop()
        daemon.start()
        found = [one.result(timeout=200).verdict for one in futures]
        assert pool.num_failures > 0
        pool.check(timeout_s=60)
        for number, verdict in enumerate(found):
            if verdict is Verdict.GRADER_ERROR:
                found[number] = submit(pool, number).result(timeout=60).verdict

    assert found == [expected(number) for number in range(NUM_PROGRAMS)]
    gc.collect()
