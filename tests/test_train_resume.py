"""Training that is killed, interrupted or starved of disk, and goes on to the same steps."""

import json
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from training_parts import (
    Silence,
    assert_same_steps,
    checkpoint_of,
    lines_of,
    make_spec,
    settings_of_whole_run,
    whole_run,
)

from evalkit.train.session import train
from evalkit.train.spec import TrainSpec
from evalkit.types import RunError

STEPS = 4
STARTER = """
import json, os, signal, sys
import evalkit.engine.hf_decoding, evalkit.engine.hf_weights, evalkit.report.files
from evalkit.train.session import train
from training_parts import Silence, make_spec

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        train(make_spec(**json.loads(line)), Silence())
        os._exit(0)
    print(child, flush=True)
"""
"""Imports everything once, then makes a process that trains for each line that it reads."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TrainSpec:
    return whole_run(tmp_path_factory.getbasetemp())


@pytest.fixture
def copied(whole: TrainSpec, tmp_path: Path) -> TrainSpec:
    """The same in a directory that can be damaged."""
    shutil.copytree(whole.out, tmp_path / "run")
    return replace(whole, out=tmp_path / "run")


@contextmanager
def starter(errors: Path) -> Iterator[Callable[..., psutil.Process]]:
    """Starts processes that train, with the arguments of `make_spec`."""
    with (
        errors.open("wb") as stream,
        subprocess.Popen(
            [sys.executable, "-c", STARTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            cwd=Path(__file__).parent,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None

        def start(**settings: object) -> psutil.Process:
            print(json.dumps(settings), file=process.stdin, flush=True)
            return psutil.Process(int(process.stdout.readline()))

        yield start


def killed_with_children(process: psutil.Process) -> list[psutil.Process]:
    """None where it has ended by itself."""
    with suppress(psutil.NoSuchProcess):
        found = [process, *process.children(recursive=True)]
        process.kill()
        return found
    return []


def test_killed_at_random_moments_repeats_the_same_steps(whole: TrainSpec, tmp_path: Path) -> None:
    """kill -9 while loading, sampling, updating or writing: no step is lost, doubled or another."""
    out, draw = tmp_path / "run", random.Random()
    seed = draw.randrange(2**32)
    draw.seed(seed)
    with starter(tmp_path / "errors") as start:
        for number in range(5):
            process = start(out=str(out), **settings_of_whole_run(Path(whole.validate[0])))
            while number % 2 and process.is_running() and not (out / "checkpoints").exists():
                time.sleep(0.01)
            time.sleep(draw.uniform(0, 1.5))
            _, alive = psutil.wait_procs(killed_with_children(process), timeout=20)
            assert not alive, f"seed {seed}: {alive} outlived the trainer"
    assert "Traceback" not in (tmp_path / "errors").read_text(), f"seed {seed}"

    train(replace(whole, out=out), Silence())

    assert_same_steps(out, whole.out)
    assert not list((out / "checkpoints").glob(".*")), f"seed {seed}"


def test_a_checkpoint_remembers_where_training_stands(whole: TrainSpec) -> None:
    """Four steps of four problems, the metrics, and the gap to the engine in the first step."""
    content = json.loads((checkpoint_of(whole, 4) / "complete.json").read_text())
    lines = lines_of(whole.out)

    assert (content["step"], content["position"]) == (4, 16)
    assert content["mismatch"] == lines[1]["mismatch/log_prob_diff_mean"]
    assert content["metrics"]["actor/pg_loss"] == lines[4]["actor/pg_loss"]


@pytest.mark.parametrize("last", [0, 1, 2, 3])
def test_steps_after_the_last_checkpoint_are_repeated(
    whole: TrainSpec, copied: TrainSpec, last: int
) -> None:
    """Their lines are cut off first, and come out the same."""
    for step in range(last + 1, STEPS + 1):
        shutil.rmtree(checkpoint_of(copied, step))
    watcher = Silence()

    train(copied, watcher)

    assert_same_steps(copied.out, whole.out)
    assert watcher.steps == list(range(last + 1 if last else 0, STEPS + 1))


def test_what_a_kill_leaves_half_done_is_put_right(whole: TrainSpec, copied: TrainSpec) -> None:
    """A torn line, a checkpoint before its rename, and one whose removal was cut short."""
    log = copied.out / "metrics.jsonl"
    log.write_text(log.read_text()[:-40])
    shutil.copytree(checkpoint_of(copied, 4), copied.out / "checkpoints" / ".step_000004.part")
    (checkpoint_of(copied, 1) / "complete.json").unlink()

    train(copied, Silence())

    assert_same_steps(copied.out, whole.out)
    found = sorted(path.name for path in (copied.out / "checkpoints").iterdir())
    assert found == [checkpoint_of(copied, step).name for step in (2, 3, 4)]


def test_an_interrupt_loses_at_most_the_step(whole: TrainSpec, tmp_path: Path) -> None:
    """Ctrl-C after the second step."""

    class Impatient(Silence):
        def step(self, number: int, total: int, metrics: object) -> None:
            if number == 2:
                raise KeyboardInterrupt

    spec = replace(whole, out=tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train(spec, Impatient())
    watcher = Silence()
    train(spec, watcher)

    assert watcher.steps == [3, 4]
    assert_same_steps(spec.out, whole.out)


@contextmanager
def file_size_limit(num_bytes: int) -> Iterator[None]:
    """Writing beyond it fails, as on a full disk; Python ignores the signal for it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("num_bytes", [100_000, 1_700_000, 4_000_000])
def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(
    whole: TrainSpec, copied: TrainSpec, num_bytes: int
) -> None:
    """In a file of the tokenizer or of the weights (1.6 MB) or of the optimizer (4.8 MB)."""
    shutil.rmtree(checkpoint_of(copied, 4))
    with file_size_limit(num_bytes), pytest.raises(RunError, match="File too large"):
        train(copied, Silence())

    names = sorted(path.name for path in (copied.out / "checkpoints").iterdir())
    assert names == [checkpoint_of(copied, step).name for step in (1, 2, 3)]
    train(copied, Silence())
    assert_same_steps(copied.out, whole.out)


def test_a_full_disk_stops_training_and_it_resumes(tmp_path: Path) -> None:
    """A real file system with room for one checkpoint, then enlarged in place."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system")
    spec = make_spec(disk / "run", steps=2, save_every=1)
    try:
        with pytest.raises(RunError, match=r"no space left .* free some space"):
            train(spec, Silence())
        assert [one.name for one in (disk / "run" / "checkpoints").iterdir()] == ["step_000001"]
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
        train(spec, Silence())
        assert list(lines_of(spec.out)) == [1, 2]
    finally:
        subprocess.run(["umount", str(disk)], check=False)
