"""The pool of grader processes: what happens when they hang, die or run out of memory."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path

import psutil
import pytest

from evalkit.graders.pool import GraderPool
from evalkit.grading import Grading
from evalkit.progress import Silent
from evalkit.records import RunWriter
from evalkit.types import Answer, Grade, Problem, RunError, Sample, UsageError, Verdict

# Pairs of a target and an answer that keep SymPy busy for minutes, or hungry.
HANGING = [("5", "10000000!"), ("3", "10^{10^{10}}"), ("4", r"\sum_{k=1}^{10000000} k^k")]
HUNGRY = ("(1+x)^{100000}", "(1+x)^{99999}+x")
SMALL_MIB = 150

INTERRUPTED = """
import sys
from evalkit.graders.pool import GraderPool
from evalkit.types import Answer, Problem, Sample

with GraderPool(num_workers=2, deadline_s=300) as pool:
    for answer in ("10000000!", "10000001!"):
        sample = Sample(task="t", problem_id="0", index=0, seed=None, text=f"answer: {answer}",
                        finish_reason=None, num_tokens=None)
        pool.submit(Problem("0", (), Answer("5")), sample)
"""


def problem(target: str) -> Problem:
    return Problem("0", (), Answer(target))


def sample(answer: str, index: int = 0) -> Sample:
    return Sample(
        task="t",
        problem_id="0",
        index=index,
        seed=None,
        text=rf"\boxed{{{answer}}}",
        finish_reason="stop",
        num_tokens=None,
    )


def is_worker(process: psutil.Process) -> bool:
    try:
        return "evalkit.graders.worker" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children(recursive=True) if is_worker(child)]


def workers() -> list[psutil.Process]:
    return workers_of(psutil.Process())


def is_computing(process: psutil.Process) -> bool:
    """Longer than SymPy's import takes, so that it has a comparison."""
    return process.cpu_times().user > 1.5


def wait_for(condition: Callable[[], bool], limit_s: float = 30) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def wait_until_computing(num_workers: int, process: psutil.Process | None = None) -> None:
    def is_reached() -> bool:
        found = workers_of(process or psutil.Process())
        return len(found) == num_workers and all(map(is_computing, found))

    wait_for(is_reached)


@pytest.mark.parametrize(("target", "answer"), HANGING)
def test_hanging_comparison_is_a_grader_error(target: str, answer: str) -> None:
    """The deadline ends a comparison in each of two processes; that is no wrong answer."""
    with GraderPool(num_workers=1, deadline_s=0.2) as pool:
        grade = pool.grade(problem(target), sample(answer))

    assert (grade.verdict, grade.score) == (Verdict.GRADER_ERROR, None)
    assert grade.detail == "twice: no verdict within 0.2 s"


def test_pool_goes_on_after_a_failure() -> None:
    """A comparison that hangs costs no other comparison its result."""
    with GraderPool(num_workers=1, deadline_s=1) as pool:
        futures = [pool.submit(problem("5"), sample(one)) for one in ("x=5", "10000000!", "2+3")]
        verdicts = [future.result().verdict for future in futures]

    assert verdicts == [Verdict.CORRECT, Verdict.GRADER_ERROR, Verdict.CORRECT]


def test_deadline_starts_with_the_comparison() -> None:
    """A deadline shorter than the start of a worker is enough for an easy comparison."""
    with GraderPool(num_workers=1, deadline_s=0.25) as pool:
        pool.grade(problem("x"), sample("10000000!"))

        assert pool.grade(problem("x"), sample("y")).verdict is Verdict.WRONG


def test_comparison_short_of_memory_is_a_grader_error() -> None:
    """Math-Verify takes a MemoryError for "different"; the pool does not."""
    with GraderPool(num_workers=1, memory_mib=SMALL_MIB) as pool:
        grade = pool.grade(*_hungry())

    assert (grade.verdict, grade.score) == (Verdict.GRADER_ERROR, None)
    assert grade.detail == "twice: short of memory while comparing"


def test_worker_without_memory_to_start_is_a_grader_error() -> None:
    """A limit below what SymPy itself needs stops no run."""
    with GraderPool(num_workers=1, memory_mib=30) as pool:
        grade = pool.grade(problem("x"), sample("y"))

    assert grade.verdict is Verdict.GRADER_ERROR


def test_lost_worker_is_replaced() -> None:
    """A worker that died between two comparisons is not noticed by the caller."""
    with GraderPool(num_workers=1) as pool:
        pool.grade(problem("x"), sample("y"))
        workers()[0].kill()

        assert pool.grade(problem("x+1"), sample("1+x")).verdict is Verdict.CORRECT


def test_worker_killed_while_comparing_is_retried_once() -> None:
    """A crash is tried once more; the second one is a grader error that names the signal."""
    with GraderPool(num_workers=1, deadline_s=60) as pool:
        future = pool.submit(problem("5"), sample("10000000!"))
        wait_until_computing(1)
        killed = {_kill_worker(), _kill_worker()}
        grade = future.result()

        assert (grade.verdict, len(killed)) == (Verdict.GRADER_ERROR, 2)
        assert grade.detail == "twice: the worker ended with exit code -9"
        assert workers() == []


def test_crash_followed_by_a_success_is_no_error() -> None:
    """The second attempt counts as if it were the first."""
    with GraderPool(num_workers=1) as pool:
        future = pool.submit(problem("x+1"), sample("1+x"))
        _kill_worker()

        assert future.result().verdict is Verdict.CORRECT


def test_failures_are_not_remembered() -> None:
    """A pair that failed is compared again when it is submitted again."""
    with GraderPool(num_workers=1) as pool:
        future = pool.submit(problem("x"), sample("y"))
        for _ in range(2):
            _kill_worker()
        first = future.result().verdict
        second = pool.grade(problem("x"), sample("y")).verdict

    assert (first, second) == (Verdict.GRADER_ERROR, Verdict.WRONG)


def test_equal_pairs_are_compared_once_at_the_same_time() -> None:
    """Four threads with one pair need one worker, and get one verdict."""
    with GraderPool(num_workers=4) as pool:
        futures = [pool.submit(problem("x+1"), sample("1+x", index)) for index in range(8)]
        verdicts = {future.result().verdict for future in futures}

        assert (verdicts, len(workers())) == ({Verdict.CORRECT}, 1)


def test_equal_pairs_are_compared_once_one_after_the_other() -> None:
    """A verdict is remembered: no worker is asked again."""
    with GraderPool(num_workers=1) as pool:
        pool.grade(problem("x+1"), sample("1+x"))
        workers()[0].suspend()

        assert pool.grade(problem("x+1"), sample("1+x", 1)).verdict is Verdict.CORRECT


def test_pool_works_from_other_threads_and_from_asyncio() -> None:
    """Math-Verify's own time-outs need the main thread; the pool does not."""
    grades: list[Grade] = []

    async def grade_in_thread() -> Grade:
        return await asyncio.to_thread(pool.grade, problem("y+1"), sample("1+y"))

    with GraderPool(num_workers=2) as pool:
        thread = threading.Thread(
            target=lambda: grades.append(pool.grade(problem("x+1"), sample("1+x")))
        )
        thread.start()
        thread.join()
        grades.append(asyncio.run(grade_in_thread()))

    assert [grade.verdict for grade in grades] == [Verdict.CORRECT] * 2


def test_easy_comparisons_start_no_worker() -> None:
    """SymPy is not loaded for answers that plain string code can judge."""
    with GraderPool(num_workers=1) as pool:
        pool.grade(problem("5"), sample("5.0"))
        pool.grade(problem("5"), sample("6"))

        assert workers() == []


def test_exact_grader_starts_no_worker() -> None:
    """The grader `exact` leaves algebra out."""
    with GraderPool("exact", num_workers=1) as pool:
        verdict = pool.grade(problem("x+1"), sample("1+x")).verdict

        assert (verdict, workers()) == (Verdict.WRONG, [])


def test_files_in_the_current_directory_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's own `sympy.py` or `json.py` beside a run does not become part of the grader."""
    for name in ("json", "sympy", "resource"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)

    with GraderPool(num_workers=1) as pool:
        assert pool.grade(problem("x+1"), sample("1+x")).verdict is Verdict.CORRECT


def test_leaving_the_block_waits_and_leaves_no_process() -> None:
    """What was submitted is graded, and then the workers are gone."""
    with GraderPool(num_workers=2) as pool:
        futures = [pool.submit(problem("x"), sample(answer)) for answer in ("y", "z", "2x")]

    assert [future.result().verdict for future in futures] == [Verdict.WRONG] * 3
    assert workers() == []


def _fail_while_two_workers_hang(futures: list["Future[Grade]"]) -> None:
    with GraderPool(num_workers=2, deadline_s=300) as pool:
        answers = ("10000000!", "10000001!", "10000002!", "5")
        futures.extend(pool.submit(problem("5"), sample(answer)) for answer in answers)
        wait_until_computing(2)
        raise KeyError("boom")


def test_leaving_with_an_error_stops_hanging_workers_at_once() -> None:
    """An error in the block is not held up by graders, and leaves no process and no grade."""
    futures: list[Future[Grade]] = []
    with pytest.raises(KeyError, match="boom"):
        _fail_while_two_workers_hang(futures)

    assert workers() == []
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(timeout=0)


def test_leaving_during_the_second_attempt_makes_no_grade() -> None:
    """A comparison that is cut short by closing is cancelled, not a grader error."""
    futures: list[Future[Grade]] = []

    def break_off() -> None:
        with GraderPool(num_workers=1, deadline_s=300) as pool:
            futures.append(pool.submit(problem("5"), sample("10000000!")))
            _kill_worker()
            wait_until_computing(1)
            raise KeyError("boom")

    with pytest.raises(KeyError):
        break_off()
    with pytest.raises(CancelledError):
        futures[0].result(timeout=0)


def test_interrupt_while_workers_hang_leaves_no_process(tmp_path: Path) -> None:
    """Ctrl-C at the end of the block, where the pool waits, ends two hanging workers with it."""
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    with subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE) as process:
        wait_until_computing(2, psutil.Process(process.pid))
        found = workers_of(psutil.Process(process.pid))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)

    assert b"KeyboardInterrupt" in errors
    assert [one.pid for one in found if one.is_running()] == []


def test_idle_worker_ends_with_its_pool(tmp_path: Path) -> None:
    """A pool that is killed without a chance to close leaves no idle worker."""
    script = tmp_path / "killed.py"
    script.write_text(
        INTERRUPTED.replace("10000000!", "x").replace("10000001!", "y") + "    input()"
    )
    with subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE) as process:
        parent = psutil.Process(process.pid)
        wait_for(lambda: len(workers_of(parent)) == 2)
        found = workers_of(parent)
        process.kill()

    _, alive = psutil.wait_procs(found, timeout=10)
    assert alive == []


def test_hanging_worker_without_a_pool_ends_by_itself() -> None:
    """An alarm in the worker ends what no pool can end any more."""
    command = [sys.executable, "-P", "-m", "evalkit.graders.worker", "2048", "1"]
    job = b'{"gold": "5", "answer": "10000000!"}\n'

    done = subprocess.run(command, input=job, capture_output=True, timeout=30)

    assert (done.returncode, done.stdout) == (-signal.SIGALRM, b'{"ready": true}\n')


def test_own_mistakes_are_raised() -> None:
    """An exception in our own code is not made a verdict of."""
    with GraderPool(num_workers=1) as pool, pytest.raises(AttributeError):
        pool.grade(problem("5"), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"grader": "x"}, {"unclosed_thinking": "x"}])
def test_unknown_options_are_refused(options: dict[str, str]) -> None:
    """The error lists what is known."""
    with pytest.raises(UsageError, match="known: "):
        GraderPool(**options)  # type: ignore[arg-type]


@pytest.fixture
def writer(tmp_path: Path) -> RunWriter:
    return RunWriter(tmp_path / "run")


def test_failure_to_record_is_raised_at_the_end(writer: RunWriter) -> None:
    """A grade that cannot be written stops the run: it does not vanish."""
    with writer:
        (writer.path / "t" / "grades.jsonl").mkdir(parents=True)

        with (
            pytest.raises((RunError, IsADirectoryError)),
            GraderPool(num_workers=1) as pool,
            Grading(pool, writer, Silent()) as grading,
        ):
            grading.submit(problem("5"), sample("5"))


def test_failure_to_record_stops_further_samples(writer: RunWriter) -> None:
    """The next sample after a failure is refused with that failure."""
    with writer:
        (writer.path / "t" / "grades.jsonl").mkdir(parents=True)

        def grade_many(pool: GraderPool) -> None:
            with Grading(pool, writer, Silent()) as grading:
                for index in range(100_000):
                    grading.submit(problem("5"), sample("5", index))
            raise AssertionError("all were taken")

        with GraderPool(num_workers=1) as pool, pytest.raises((RunError, IsADirectoryError)):
            grade_many(pool)


def test_own_mistakes_are_raised_by_a_run(writer: RunWriter) -> None:
    """An exception while grading in the background reaches the main thread."""
    with (
        writer,
        pytest.raises(UsageError),
        GraderPool(num_workers=1) as pool,
        Grading(pool, writer, Silent()) as grading,
    ):
        grading.submit(Problem("0", (), None), sample("5"))  # type: ignore[arg-type]


def test_cancelled_samples_are_not_recorded(writer: RunWriter) -> None:
    """A run that is broken off has no grades for what it did not grade."""

    def break_off() -> None:
        with (
            GraderPool(num_workers=1, deadline_s=300) as pool,
            Grading(pool, writer, Silent()) as grading,
        ):
            for index in range(3):
                grading.submit(problem("5"), sample("10000000!", index))
            wait_until_computing(1)
            raise KeyError("boom")

    with writer:
        writer.write_json("manifest.json", {})
        with pytest.raises(KeyError):
            break_off()

        assert not list(writer.path.glob("t/grades.jsonl"))


def _hungry() -> tuple[Problem, Sample]:
    target, answer = HUNGRY
    return problem(target), sample(answer)


def _kill_worker() -> int:
    """Kills the only worker when there is one; the pool is left to collect it."""
    wait_for(lambda: len(workers()) == 1)
    process = workers()[0]
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: process not in workers())
    return process.pid
