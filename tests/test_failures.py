"""Runs that are interrupted, killed, starved of disk or misdirected, as processes of their own."""

import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import evalkit
from evalkit.records import RunWriter

EVALKIT = str(Path(sys.executable).parent / "evalkit")
NUM_PROBLEMS = 40
N = 4
ALL_KEYS = Counter((str(i), index) for i in range(NUM_PROBLEMS) for index in range(N))
PATIENCE_S = 60.0


@pytest.fixture
def command(tmp_path: Path, make_task: Callable[..., Path]) -> Callable[..., list[str]]:
    """`evalkit run` of 160 samples, a quarter of them for Math-Verify, `rate` per second."""
    task = make_task(NUM_PROBLEMS, n=N)
    recording = tmp_path / "recording.jsonl"
    rows = [
        {"problem_id": str(i), "text": rf"So \boxed{{{answer}}}.", "finish_reason": "stop"}
        for i in range(NUM_PROBLEMS)
        for answer in (2 * i, f"{i} + {i} + x - x", 2 * i + 1, "y")
    ]
    recording.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def make(*more: str, rate: float = 0, out: Path = tmp_path / "run") -> list[str]:
        words = [EVALKIT, "run", "--model", "demo", "--engine", "replay", "--tasks", str(task)]
        words += ["--engine-args", f"path={recording},rate={rate}", "--out", str(out)]
        return [*words, "--grader-workers", "2", *more]

    return make


@pytest.fixture
def resume(command: Callable[..., list[str]], tmp_path: Path) -> Callable[..., None]:
    """The run of `command` in this process, which is quicker to start."""

    def run(out: Path = tmp_path / "run") -> None:
        words = command(out=out)
        spec = evalkit.RunSpec(
            model="demo",
            tasks=(words[words.index("--tasks") + 1],),
            engine="replay",
            engine_args={"path": str(tmp_path / "recording.jsonl")},
            out=out,
            grader_workers=2,
        )
        evalkit.run(spec)

    return run


def execute(command: list[str], **kwargs: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_S, **kwargs
    )


@contextmanager
def started(command: list[str], errors: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The command going on in the background; killed at the end where it has not ended."""
    with errors.open("wb") as stream:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stream)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def keys(file: Path) -> Counter[tuple[str, int]]:
    """The keys of all complete lines."""
    content = file.read_bytes() if file.exists() else b""
    rows = [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
    return Counter((row["problem_id"], row["index"]) for row in rows)


def num_samples(out: Path) -> int:
    return keys(out / "sums" / "samples.jsonl").total()


def metrics(out: Path) -> Any:
    return json.loads((out / "metrics.json").read_text())["tasks"]


def assert_complete(out: Path) -> None:
    """All samples once, all graded once, nothing half-made, and the numbers of the recording."""
    assert keys(out / "sums" / "samples.jsonl") == ALL_KEYS
    assert keys(out / "sums" / "grades.jsonl") == ALL_KEYS
    assert not [one for one in out.rglob(".*") if one.name != ".lock"]
    values = {one["name"]: one["value"] for one in metrics(out)["sums"]["metrics"]}
    assert values["avg@4"] == pytest.approx(0.5)
    assert values["pass@4"] == 1.0


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def test_killed_at_random_moments_resumes_to_the_same_run(
    command: Callable[..., list[str]], tmp_path: Path
) -> None:
    """kill -9 during start, generation or grading: no sample is lost, doubled or graded twice."""
    out, draw = tmp_path / "run", random.Random()
    seed = draw.randrange(2**32)
    draw.seed(seed)
    for number in range(5):
        with started(command(rate=120), tmp_path / "errors") as process:
            if number % 2:
                wait_until(lambda: num_samples(out) > 0 or process.poll() is not None)
            time.sleep(draw.uniform(0, 1.2))
            children = descendants(process.pid)
            process.kill()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive, f"seed {seed}: {alive} outlived their parent"
        assert "Traceback" not in (tmp_path / "errors").read_text()
    done = execute(command())

    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    assert_complete(out)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_interrupted_run_winds_down_and_resumes(
    command: Callable[..., list[str]], resume: Callable[..., None], tmp_path: Path, number: int
) -> None:
    """Exit code 130, whole lines, no child left, no invented verdict; then the rest is added."""
    out, errors = tmp_path / "run", tmp_path / "errors"
    with started(command(rate=40), errors) as process:
        wait_until(lambda: num_samples(out) >= 10)
        children = descendants(process.pid)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 130
    assert "Traceback" not in errors.read_text()
    assert not psutil.wait_procs(children, timeout=5)[1]
    assert (out / "sums" / "samples.jsonl").read_bytes().endswith(b"\n")
    assert "grader_error" not in (out / "sums" / "grades.jsonl").read_text()
    resume()
    assert_complete(out)


def test_second_interrupt_leaves_at_once(
    command: Callable[..., list[str]], resume: Callable[..., None], tmp_path: Path
) -> None:
    """Two quick Ctrl-C end the process with 130, and the run resumes all the same."""
    out, errors = tmp_path / "run", tmp_path / "errors"
    with started(command(rate=40), errors) as process:
        wait_until(lambda: num_samples(out) >= 10)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
    assert "Traceback" not in errors.read_text()
    resume()
    assert_complete(out)


def is_signed(lock: Path) -> bool:
    """The directory is taken: its owner has written its process id."""
    return lock.exists() and bool(lock.read_text())


def test_interrupted_start_leaves_nothing(
    command: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Ctrl-C before the manifest removes the directory again."""
    out, errors = tmp_path / "new" / "run", tmp_path / "errors"
    with started(command(out=out), errors) as process:
        wait_until(lambda: is_signed(out / ".lock") or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
    assert not (tmp_path / "new").exists()
    assert "Traceback" not in errors.read_text()


def limit_file_size(num_bytes: int) -> Callable[[], None]:
    """Writing beyond the limit fails, as on a full disk; Python ignores the signal for it."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, num_bytes))


def test_full_disk_stops_the_run_and_it_resumes(
    command: Callable[..., list[str]], resume: Callable[..., None], tmp_path: Path
) -> None:
    """The message names file and remedy, only whole lines are left, and space is all it takes."""
    failed = execute(command(), preexec_fn=limit_file_size(12_000))

    assert failed.returncode == 1
    assert "error: no space left on the disk while writing" in failed.stderr
    assert "free some space and give the same command again" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert 0 < num_samples(tmp_path / "run") < 160
    for file in (tmp_path / "run").glob("*/*.jsonl"):
        assert file.read_bytes()[-1:] in (b"\n", b"")
    resume()
    assert_complete(tmp_path / "run")


def test_full_disk_at_the_start_leaves_nothing(
    command: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Where not even the problems fit, the directory is gone again."""
    failed = execute(command(out=tmp_path / "new" / "run"), preexec_fn=limit_file_size(2_000))

    assert failed.returncode == 1
    assert f"error: cannot write {tmp_path}/new/run/sums/problems.jsonl" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "new").exists()


def test_full_file_system_stops_the_run_and_it_resumes(
    command: Callable[..., list[str]], resume: Callable[..., None], tmp_path: Path
) -> None:
    """The same on a real file system of 64 KiB, then enlarged in place."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = execute(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)])
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.strip()}")
    try:
        failed = execute(command(out=disk / "run"))
        assert failed.returncode == 1
        assert "no space left on the disk" in failed.stderr
        assert "Traceback" not in failed.stderr
        assert not list(disk.rglob(".*.tmp"))
        execute(["mount", "-o", "remount,size=10m", str(disk)])
        resume(disk / "run")
        assert_complete(disk / "run")
    finally:
        execute(["umount", str(disk)])


def test_full_disk_during_the_report_keeps_the_old_report(
    resume: Callable[..., None], tmp_path: Path
) -> None:
    """Records that cannot be written are an error without a half-written file."""
    out = tmp_path / "run"
    resume()
    before = {file: file.read_bytes() for file in out.rglob("[!.]*.*")}
    failed = execute([EVALKIT, "report", str(out)], preexec_fn=limit_file_size(1_000))

    assert failed.returncode == 1
    assert "records.parquet" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert before == {file: file.read_bytes() for file in out.rglob("[!.]*.*")}
    assert [one.name for one in out.rglob(".*")] == [".lock"]


def test_directory_that_cannot_be_made_is_an_error(
    command: Callable[..., list[str]], tmp_path: Path
) -> None:
    """The reason is the system's, without a traceback."""
    (tmp_path / "file").write_text("")
    failed = execute(command(out=tmp_path / "file" / "run"))

    assert failed.returncode == 1
    assert os.strerror(errno.ENOTDIR) in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("verb", ["run", "grade"])
def test_directory_in_use_is_refused(
    command: Callable[..., list[str]], tmp_path: Path, verb: str
) -> None:
    """A second process ends at once, naming the first, and leaves the directory alone."""
    with RunWriter(tmp_path / "run") as writer:
        writer.write_json("manifest.json", {"schema_version": 1, "tasks": {}})
        words = command() if verb == "run" else [EVALKIT, "grade", str(tmp_path / "run")]
        refused = execute(words)

    assert refused.returncode == 1
    assert f"in use by another evalkit process (pid {os.getpid()})" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_report_while_the_run_is_going_on(
    command: Callable[..., list[str]], tmp_path: Path
) -> None:
    """Readers see so far as it got, marked as not complete, and disturb nothing."""
    out, errors = tmp_path / "run", tmp_path / "errors"
    with started(command(rate=30), errors) as process:
        wait_until(lambda: num_samples(out) >= 10)
        shown = execute([EVALKIT, "report", str(out)])
        table = evalkit.load_run(out).to_pandas()
        assert process.poll() is None
        assert not (out / "metrics.json").exists()
    assert shown.returncode == 0, shown.stderr
    assert "sums: not complete" in shown.stdout
    assert 10 <= len(table) < 160
    assert not table.duplicated(["task", "problem_id", "index"]).any()


def test_grader_errors_have_an_exit_code(resume: Callable[..., None], tmp_path: Path) -> None:
    """A grade that failed gives a range in place of every number, a remark and exit code 3."""
    out = tmp_path / "run"
    resume()
    with (out / "sums" / "grades.jsonl").open("r+") as stream:
        grade = json.loads(stream.readline())
        stream.seek(0, os.SEEK_END)
        stream.write(json.dumps({**grade, "verdict": "grader_error", "score": None}) + "\n")
    shown = execute([EVALKIT, "report", str(out)])

    assert shown.returncode == 3
    assert "1 grader error" in shown.stdout
    assert [one["value"] for one in metrics(out)["sums"]["metrics"]] == [None, None, None]


def test_debug_shows_the_traceback(command: Callable[..., list[str]], tmp_path: Path) -> None:
    """With --debug, and only then, an error is shown with where it came from."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("precious")
    words = command()

    plain, debug = execute(words), execute([words[0], "--debug", *words[1:]])
    assert "run is not a run directory" in plain.stderr.replace("exists and ", "")
    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert [one.name for one in (tmp_path / "run").iterdir()] == ["thesis.tex"]
