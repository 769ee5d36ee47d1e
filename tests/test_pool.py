"""The pool of grader processes: what happens when they hang, die or run out of memory."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from evalkit.graders.pool import GraderPool
from evalkit.graders.process import Supervisor
from evalkit.graders.workers import RequestFailedError, Workers
from evalkit.grading import Grading
from evalkit.maths.profiles import PROFILES
from evalkit.progress import Silent
from evalkit.records import RunWriter
from evalkit.types import Answer, Grade, Problem, RunError, Sample, UsageError, Verdict

# Math-Verify by itself, without guards before it, can be kept busy for minutes, or made hungry.
UNGUARDED = "math-verify"
HANGING = [("5", "10000000!"), ("3", "10^{10^{10}}"), ("4", r"\sum_{k=1}^{10000000} k^k")]
HUNGRY = ("(1+x)^{100000}", "(1+x)^{99999}+x")
SMALL_MIB = 110
FUZZ = Path(__file__).parent.parent / "benchmarks" / "math_fuzz.py"

SCRIPT = """
import os, sys, time
from evalkit.graders.pool import GraderPool
from evalkit.graders.process import Supervisor
from evalkit.types import Answer, Problem, Sample

deadline, is_forked, *answers = sys.argv[1:]
with GraderPool("math-verify", num_workers=2, deadline_s=float(deadline)) as pool:
    pool.start()
    if is_forked == "True" and os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    for answer in answers:
        sample = Sample(task="t", problem_id="0", index=0, seed=None, text=f"${answer}$",
                        finish_reason=None, num_tokens=None)
        pool.submit(Problem("0", (), Answer("5")), sample)
"""


LONE_WORKER = """
import json, socket
from evalkit.graders.worker import serve

ours, theirs = socket.socketpair()
ours.sendall(json.dumps(["grade", "math-verify", "5", "$10000000!$"]).encode() + b"\\n")
serve(theirs, memory_mib=256, deadline_s=0.1)
"""


def problem(target: str) -> Problem:
    return Problem("0", (), Answer(target))


def sample(answer: str, index: int = 0) -> Sample:
    return completion(rf"\boxed{{{answer}}}", index)


def completion(text: str, index: int = 0) -> Sample:
    return Sample(
        task="t",
        problem_id="0",
        index=index,
        seed=None,
        text=text,
        finish_reason="stop",
        num_tokens=None,
    )


def supervisors_of(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if _is_supervisor(child)]


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    found = []
    for supervisor in supervisors_of(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [one for one in supervisor.children() if one.status() != psutil.STATUS_ZOMBIE]
    return found


def _is_supervisor(process: psutil.Process) -> bool:
    try:
        return "evalkit.graders.supervisor" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def workers() -> list[psutil.Process]:
    return workers_of(psutil.Process())


def is_computing(process: psutil.Process) -> bool:
    """Longer than any comparison takes that ends."""
    return process.cpu_times().user > 0.3


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
    with GraderPool(UNGUARDED, num_workers=1, deadline_s=0.2) as pool:
        grade = pool.grade(problem(target), sample(answer))

    assert (grade.verdict, grade.score) == (Verdict.GRADER_ERROR, None)
    assert grade.detail == "twice: no verdict within 0.2 s"


def test_pool_goes_on_after_a_failure() -> None:
    """A comparison that hangs costs no other comparison its result."""
    with GraderPool(UNGUARDED, num_workers=1, deadline_s=1) as pool:
        futures = [pool.submit(problem("5"), sample(one)) for one in ("x=5", "10000000!", "2+3")]
        verdicts = [future.result().verdict for future in futures]

    assert verdicts == [Verdict.CORRECT, Verdict.GRADER_ERROR, Verdict.CORRECT]


def test_deadline_starts_with_the_comparison() -> None:
    """A deadline shorter than the start of the processes is enough for an easy comparison."""
    with GraderPool(num_workers=1, deadline_s=0.25) as pool:
        assert pool.grade(problem("x"), sample("y")).verdict is Verdict.WRONG


def test_comparison_short_of_memory_is_a_grader_error() -> None:
    """Math-Verify takes a MemoryError for "different"; the pool does not."""
    with GraderPool(UNGUARDED, num_workers=1, memory_mib=SMALL_MIB) as pool:
        grade = pool.grade(*_hungry())

    assert (grade.verdict, grade.score) == (Verdict.GRADER_ERROR, None)
    assert grade.detail == "twice: short of memory while comparing"


def test_worker_that_took_much_memory_is_replaced() -> None:
    """Memory that a library keeps does not add up until a comparison is short of it."""
    long = "7" * 25_000_000
    with contextlib.closing(Workers(memory_mib=300, deadline_s=60)) as processes:
        processes.ask("compare", "7", "7", 0.0, 0.0)
        num_before = len(workers())
        processes.ask("compare", long, long, 0.0, 0.0)

        assert (num_before, workers()) == (1, [])


def test_worker_without_memory_to_start_is_a_grader_error() -> None:
    """A limit below what SymPy itself needs stops no run."""
    with GraderPool(UNGUARDED, num_workers=1, memory_mib=30) as pool:
        grade = pool.grade(*_hungry())

    assert grade.verdict is Verdict.GRADER_ERROR


def test_lost_worker_is_replaced() -> None:
    """A worker that died between two comparisons is not noticed by the caller."""
    with GraderPool(num_workers=1) as pool:
        _idle_worker(pool).kill()

        assert pool.grade(problem("x+1"), sample("1+x")).verdict is Verdict.CORRECT


def test_lost_supervisor_is_replaced() -> None:
    """The process that all workers are forked from may die, too; its workers go with it."""
    with GraderPool(num_workers=1) as pool:
        worker, (supervisor,) = _idle_worker(pool), supervisors_of(psutil.Process())
        supervisor.kill()
        wait_for(lambda: supervisor.status() == psutil.STATUS_ZOMBIE)

        assert pool.grade(problem("x+1"), sample("1+x")).verdict is Verdict.CORRECT
        worker.wait(timeout=10)


def test_worker_killed_while_comparing_is_retried_once() -> None:
    """A crash is tried once more; the second one is a grader error that names the signal."""
    with GraderPool(UNGUARDED, num_workers=1, deadline_s=60) as pool:
        future = pool.submit(problem("5"), sample("10000000!"))
        killed = {_kill_computing_worker(), _kill_computing_worker()}
        grade = future.result()

        assert (grade.verdict, len(killed)) == (Verdict.GRADER_ERROR, 2)
        assert grade.detail == "twice: the worker ended with exit code -9"
        assert workers() == []


def test_crash_followed_by_a_success_is_no_error() -> None:
    """The second attempt counts as if it were the first."""
    with GraderPool(num_workers=1) as pool:
        worker = _idle_worker(pool)
        worker.suspend()
        future = pool.submit(problem("x+1"), sample("1+x"))
        worker.kill()

        assert future.result().verdict is Verdict.CORRECT


def test_failures_are_not_remembered() -> None:
    """A pair that failed is compared again when it is submitted again."""
    with GraderPool(UNGUARDED, num_workers=1, deadline_s=1) as pool:
        pool.grade(problem("5"), sample("10000000!"))
        again = pool.submit(problem("5"), sample("10000000!"))

        assert not again.done()


def test_equal_pairs_are_compared_once_at_the_same_time() -> None:
    """Four threads with one pair need one worker, and get one verdict."""
    with GraderPool(num_workers=4) as pool:
        futures = [pool.submit(problem("x+1"), sample("1+x", index)) for index in range(8)]
        verdicts = {future.result().verdict for future in futures}

        assert (verdicts, len(workers())) == ({Verdict.CORRECT}, 1)


def test_equal_pairs_are_compared_once_one_after_the_other() -> None:
    """A verdict is remembered: no worker is asked again, and the future is finished at once."""
    with GraderPool(num_workers=1) as pool:
        pool.grade(problem("x+1"), sample("1+x"))
        workers()[0].suspend()
        future = pool.submit(problem("x+1"), completion(r"Surely it is \boxed{1+x}.", 1))

        assert (future.done(), future.result().verdict) == (True, Verdict.CORRECT)


def test_equal_pairs_with_other_tolerances_are_other_pairs() -> None:
    """A verdict that a tolerance gave does not reach an exact target."""
    near = Problem("0", (), Answer("2.50", rel_tolerance=0.05))
    with GraderPool(num_workers=1) as pool:
        verdicts = [pool.grade(one, sample("2.51")).verdict for one in (near, problem("2.50"))]

    assert verdicts == [Verdict.CORRECT, Verdict.WRONG]


def test_pool_works_from_many_threads() -> None:
    """Math-Verify's own time-outs need the main thread; the pool does not."""
    verdicts: list[tuple[int, Verdict]] = []

    def grade_some(first: int) -> None:
        for number in range(first, first + 20):
            grade = pool.grade(problem("x+7"), sample(f"{number}+x"))
            verdicts.append((number, grade.verdict))

    with GraderPool(num_workers=2) as pool:
        threads = [threading.Thread(target=grade_some, args=(first,)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(verdicts) == 160
    assert {number for number, verdict in verdicts if verdict is Verdict.CORRECT} == {7}
    assert {verdict for number, verdict in verdicts if number != 7} == {Verdict.WRONG}


def test_pool_works_from_asyncio() -> None:
    """Futures are awaited in the loop's own thread, many at a time."""

    async def grade_all() -> list[Grade]:
        pairs = [(problem("y+3"), sample(f"{number}+y")) for number in range(10)]
        return await asyncio.gather(*(asyncio.wrap_future(pool.submit(*one)) for one in pairs))

    with GraderPool(num_workers=2) as pool:
        grades = asyncio.run(grade_all())

    assert [grade.score for grade in grades] == [0.0] * 3 + [1.0] + [0.0] * 6


def test_cancelled_waiting_takes_no_grade_from_others() -> None:
    """Who no longer waits for a comparison does not end it for those who do."""

    async def wait_a_moment(future: "Future[Grade]") -> None:
        await asyncio.wait_for(asyncio.wrap_future(future), timeout=0.01)

    with GraderPool(num_workers=1) as pool:
        worker = _idle_worker(pool)
        worker.suspend()
        first, second = (pool.submit(problem("x+1"), sample("1+x", index)) for index in range(2))
        with pytest.raises(TimeoutError):
            asyncio.run(wait_a_moment(first))
        worker.resume()

        assert (first.result().score, second.result().score) == (1.0, 1.0)


def test_two_workers_that_died_idle_cost_no_verdict() -> None:
    """The second attempt is made in a fresh process, not in another one that may be dead."""
    with GraderPool(num_workers=2) as pool:
        first, second = _two_idle_workers(pool)
        for worker in (first, second):
            worker.kill()

        assert pool.grade(problem("x+1"), sample("1+x")).verdict is Verdict.CORRECT


def test_supervisor_and_workers_killed_at_once_cost_no_verdict() -> None:
    """The loss of the supervisor is no attempt of the comparison."""
    with GraderPool(num_workers=1) as pool:
        worker, (supervisor,) = _idle_worker(pool), supervisors_of(psutil.Process())
        worker.suspend()
        future = pool.submit(problem("x+1"), sample("1+x"))
        for one in (supervisor, worker):
            one.kill()

        assert future.result(timeout=60).verdict is Verdict.CORRECT


def test_supervisor_whose_end_is_not_seen_yet_costs_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that dies closes its socket before others can see that it has ended."""
    with GraderPool(num_workers=1) as pool:
        pool.start()
        with monkeypatch.context() as patch:
            patch.setattr(Supervisor, "is_alive", True)
            _supervisors()[0].kill()

            assert pool.grade(problem("x+1"), sample("1+x")).verdict is Verdict.CORRECT


def test_supervisor_that_did_not_reply_is_not_asked_again() -> None:
    """Its late reply would be taken for the next one."""
    with GraderPool(num_workers=1) as pool:
        worker, (supervisor,) = _idle_worker(pool), supervisors_of(psutil.Process())
        assert pool._workers._supervisor
        pool._workers._supervisor._control.settimeout(0.2)
        supervisor.suspend()
        worker.kill()
        later = threading.Timer(0.3, supervisor.resume)
        later.start()

        assert pool.grade(problem("x+1"), sample("1+x")).verdict is Verdict.CORRECT
        assert supervisor not in supervisors_of(psutil.Process())
        later.join()


def test_worker_that_outlives_its_supervisor_gives_its_verdict_and_ends() -> None:
    """The next supervisor is not its parent and could not end it."""
    with GraderPool(num_workers=2) as pool:
        worker, (supervisor,) = _idle_worker(pool), supervisors_of(psutil.Process())
        worker.suspend()
        late = pool.submit(problem("x+1"), sample("1+x"))
        supervisor.kill()
        assert pool.grade(problem("x+2"), sample("2+x")).verdict is Verdict.CORRECT
        worker.resume()

        assert late.result(timeout=60).verdict is Verdict.CORRECT
        worker.wait(timeout=10)
        assert pool.num_failures == 1


def test_no_verdict_is_wrong_or_missing_while_processes_are_killed() -> None:
    """Workers, the supervisor, or all of them, again and again during load."""
    answers = [(n, n + shift) for n in range(300) for shift in (0, 1)]
    with GraderPool(num_workers=3) as pool:
        futures = [pool.submit(problem(f"x+{n}"), sample(f"{m}+x")) for n, m in answers]
        for number, victims in enumerate((workers, _supervisors, _supervisors_and_workers) * 2):
            wait_for(lambda end=80 * (number + 1): sum(one.done() for one in futures) > end)
            for one in victims():
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
        found = [future.result(timeout=60).verdict for future in futures]

        assert found == [Verdict.CORRECT, Verdict.WRONG] * 300
        assert pool.num_failures > 3


def test_failures_are_counted() -> None:
    """Each lost attempt, and the loss of the supervisor; not what goes well."""
    with GraderPool(UNGUARDED, num_workers=1, deadline_s=0.2) as pool:
        counts = [pool.num_failures]
        pool.grade(problem("5"), sample("10000000!"))
        counts.append(pool.num_failures)
        (supervisor,) = supervisors_of(psutil.Process())
        supervisor.kill()
        supervisor.wait(timeout=10)
        pool.grade(problem("5"), sample("x=5"))
        counts.append(pool.num_failures)
        pool.grade(problem("5"), sample("2+3"))

        assert [*counts, pool.num_failures] == [0, 2, 3, 3]


def test_check_passes_while_all_workers_are_busy() -> None:
    """It has a worker of its own then."""
    futures: list[Future[Grade]] = []

    def check_busy_pool() -> None:
        with GraderPool(UNGUARDED, num_workers=1, deadline_s=300) as pool:
            futures.append(pool.submit(problem("5"), sample("10000000!")))
            wait_until_computing(1)
            pool.check(timeout_s=30)
            assert not futures[0].done()
            raise KeyError("done")

    with pytest.raises(KeyError, match="done"):
        check_busy_pool()


def test_check_starts_what_has_died() -> None:
    """A pool that nobody asks because it is not ready would stay so."""
    with GraderPool(num_workers=1) as pool:
        worker, (supervisor,) = _idle_worker(pool), supervisors_of(psutil.Process())
        for one in (supervisor, worker):
            one.kill()

        pool.check(timeout_s=60)
        assert pool.grade(problem("x+1"), sample("1+x")).verdict is Verdict.CORRECT


def test_check_fails_in_time_and_passes_again() -> None:
    """A process that hangs holds up nobody who only asks whether it does."""
    with GraderPool(num_workers=1) as pool:
        worker = _idle_worker(pool)
        worker.suspend()
        for _ in range(3):
            with pytest.raises(RequestFailedError, match=r"within 0\.05 s"):
                pool.check(timeout_s=0.05)
        worker.resume()

        pool.check(timeout_s=60)


def test_check_ends_when_the_pool_is_closed() -> None:
    """Nobody waits for a pool that will not answer any more."""
    with ThreadPoolExecutor(1) as threads:
        with GraderPool(num_workers=1) as pool:
            _idle_worker(pool).suspend()
            check = threads.submit(pool.check, timeout_s=60)
            wait_for(lambda: not pool._workers._idle)

        with pytest.raises(RequestFailedError, match="closed"):
            check.result(timeout=30)


def test_equal_comparisons_under_way_count_once() -> None:
    """Whoever hands out work sees how much there is, and that it has ended when it is told so."""
    seen = []
    with GraderPool(num_workers=1) as pool:
        worker = _idle_worker(pool)
        worker.suspend()
        futures = [pool.submit(problem("x+1"), sample(one)) for one in ("1+x", "1+x", "2+x")]
        seen.append(pool.num_under_way)
        futures[-1].add_done_callback(lambda _: seen.append(pool.num_under_way))
        worker.resume()
        for future in futures:
            future.result(timeout=60)

    assert seen == [2, 0]


def test_easy_comparisons_start_no_process() -> None:
    """Nothing is loaded for answers that plain string code can judge."""
    with GraderPool(num_workers=1) as pool:
        pool.grade(problem("5"), sample("5.0"))
        pool.grade(problem("5"), sample("6"))

        assert supervisors_of(psutil.Process()) == []


def test_started_pool_has_its_parsers_loaded() -> None:
    """What takes long at the first comparison can be done before it."""
    with GraderPool(num_workers=1, deadline_s=0.25) as pool:
        pool.start()

        assert len(supervisors_of(psutil.Process())) == 1


def test_grade_says_what_was_found_where_and_by_which_rules() -> None:
    """The rules of extraction and of comparison stand in it, and what is odd about the answer."""
    text = r"Either way: \boxed{x \text{ or } y}"
    with GraderPool(num_workers=1) as pool:
        grade = pool.grade(problem("x"), completion(text))

    assert grade.extracted == r"x \text{ or } y"
    assert grade.span is not None
    assert text[slice(*grade.span)] == grade.extracted
    assert grade.rule.startswith("boxed, ")
    assert "hedged" in grade.detail


@pytest.mark.parametrize("grader", ["archer2", "math-verify", "qwen-math"])
def test_foreign_graders_get_the_whole_completion(grader: str) -> None:
    """Their own way to find the answer belongs to what they reproduce; their name is the rule."""
    text = r"<think> It is \boxed{5}"
    with GraderPool(grader, num_workers=1) as pool:
        foreign = pool.grade(problem("5"), completion(text))
    with GraderPool(num_workers=1) as pool:
        own = pool.grade(problem("5"), completion(text))

    assert (foreign.verdict, foreign.rule) == (Verdict.CORRECT, grader)
    assert own.verdict is Verdict.NO_ANSWER


def test_profile_names_grader_version_and_policy() -> None:
    """Grades that were made by different rules can be told apart."""
    policies = {"no_answer": "", "grade": "+unclosed"}
    for policy, suffix in policies.items():
        with (
            GraderPool(unclosed_thinking=policy) as own,
            GraderPool("archer2", unclosed_thinking=policy) as foreign,
        ):
            assert own.profile == f"{PROFILES['math']}{suffix}"
            assert foreign.profile == PROFILES["archer2"]


def test_explanation_has_the_verdict_and_its_steps() -> None:
    """What a worker says of one comparison arrives whole."""
    with GraderPool(num_workers=1) as pool:
        comparison, rungs, gold_type, answer_type = pool.explain("x+1", "1+x")

    assert comparison.equal is True
    assert rungs[-1].verdict is True
    assert gold_type == answer_type != ""


def test_files_in_the_current_directory_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's own `sympy.py` or `json.py` beside a run does not become part of the grader."""
    for name in ("json", "mpmath", "resource", "sympy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)

    with GraderPool(num_workers=1) as pool:
        assert pool.grade(problem("x+1"), sample("1+x")).verdict is Verdict.CORRECT


def test_leaving_the_block_waits_and_leaves_no_process() -> None:
    """What was submitted is graded, and then all processes are gone."""
    with GraderPool(num_workers=2) as pool:
        futures = [pool.submit(problem("x"), sample(answer)) for answer in ("y", "z", "2x")]

    assert [future.result().verdict for future in futures] == [Verdict.WRONG] * 3
    assert supervisors_of(psutil.Process()) == []


def _fail_while_two_workers_hang(futures: list["Future[Grade]"]) -> None:
    with GraderPool(UNGUARDED, num_workers=2, deadline_s=300) as pool:
        answers = ("10000000!", "10000001!", "10000002!", "x")
        futures.extend(pool.submit(problem("5"), sample(answer)) for answer in answers)
        wait_until_computing(2)
        raise KeyError("boom")


def test_leaving_with_an_error_stops_hanging_workers_at_once() -> None:
    """An error in the block is not held up by graders, and leaves no process and no grade."""
    futures: list[Future[Grade]] = []
    with pytest.raises(KeyError, match="boom"):
        _fail_while_two_workers_hang(futures)

    assert psutil.Process().children(recursive=True) == []
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(timeout=0)


def test_leaving_during_the_second_attempt_makes_no_grade() -> None:
    """A comparison that is cut short by closing is cancelled, not a grader error."""
    futures: list[Future[Grade]] = []

    def break_off() -> None:
        with GraderPool(UNGUARDED, num_workers=1, deadline_s=300) as pool:
            futures.append(pool.submit(problem("5"), sample("10000000!")))
            _kill_computing_worker()
            wait_until_computing(1)
            raise KeyError("boom")

    with pytest.raises(KeyError):
        break_off()
    with pytest.raises(CancelledError):
        futures[0].result(timeout=0)


@contextlib.contextmanager
def running_pool(
    tmp_path: Path, *answers: str, deadline_s: float = 300, is_forked: bool = False
) -> Iterator[tuple["subprocess.Popen[bytes]", list[psutil.Process]]]:
    """A pool in a process of its own, and its supervisor and two workers once they are there."""
    script = tmp_path / "pool.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(deadline_s), str(is_forked), *answers]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        parent = psutil.Process(process.pid)
        try:
            wait_until_computing(2, parent)
            yield process, supervisors_of(parent) + workers_of(parent)
        finally:
            for one in [*parent.children(), parent] if parent.is_running() else []:
                one.kill()


def test_interrupt_while_workers_hang_leaves_no_process(tmp_path: Path) -> None:
    """Ctrl-C at the end of the block, where the pool waits, ends two hanging workers with it."""
    with running_pool(tmp_path, "10000000!", "10000001!") as (process, found):
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)

    assert b"KeyboardInterrupt" in errors
    assert [one for one in found if one.is_running()] == []


@pytest.mark.parametrize("is_forked", [False, True])
def test_hanging_workers_end_when_their_pool_is_killed(tmp_path: Path, is_forked: bool) -> None:
    """A pool without a chance to close leaves nothing, even where a fork of it lives on."""
    with running_pool(tmp_path, "10000000!", "10000001!", is_forked=is_forked) as (process, found):
        sibling = set(psutil.Process(process.pid).children()) - set(found)
        process.kill()
        _, alive = psutil.wait_procs(found, timeout=10)
        for one in sibling:
            one.kill()

    assert (alive, len(sibling)) == ([], is_forked)


def test_hanging_worker_without_pool_and_supervisor_ends_by_itself() -> None:
    """Its limit on CPU time ends what nobody can end any more."""
    done = subprocess.run([sys.executable, "-c", LONE_WORKER], capture_output=True, timeout=60)

    assert done.returncode == -signal.SIGXCPU


def test_mutated_answers_are_graded_without_failures() -> None:
    """A short run of the fuzz: no exception, no grader error, nothing slow, no growth of memory."""
    command = [sys.executable, str(FUZZ), "--cases", "400", "--seed", "4"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


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
            GraderPool(UNGUARDED, num_workers=1, deadline_s=300) as pool,
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


def _idle_worker(pool: GraderPool) -> psutil.Process:
    """The only worker of the pool, after its first comparison."""
    pool.grade(problem("x"), sample("y"))
    (worker,) = workers()
    return worker


def _two_idle_workers(pool: GraderPool) -> list[psutil.Process]:
    """The second one was started because the first did not go on."""
    first = _idle_worker(pool)
    first.suspend()
    late = pool.submit(problem("x+2"), sample("2+x"))
    pool.grade(problem("x+3"), sample("3+x"))
    first.resume()
    late.result(timeout=60)
    return workers()


def _supervisors() -> list[psutil.Process]:
    return supervisors_of(psutil.Process())


def _supervisors_and_workers() -> list[psutil.Process]:
    return [*_supervisors(), *workers()]


def _kill_computing_worker() -> int:
    """Kills the only worker as soon as it computes; the pool is left to collect it."""
    wait_until_computing(1)
    (process,) = workers()
    process.kill()
    wait_for(lambda: process not in workers())
    return process.pid
