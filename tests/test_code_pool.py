"""Programs graded side by side: equal ones once, failures of ours never as verdicts."""

import gc
import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docker_wire import Wire, opened_wire

from evalkit.graders.code_pool import CodePool
from evalkit.graders.memo import Memo
from evalkit.sandbox.docker import DockerSandbox
from evalkit.sandbox.types import Execution, Limits, Program, Status
from evalkit.teststore import Store, convert
from evalkit.types import (
    Answer,
    CodeTests,
    DataError,
    Grade,
    InlineTests,
    Problem,
    Sample,
    SandboxError,
    UsageError,
    Verdict,
)

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("sandbox_client")]

ADD = "a, b = map(int, input().split())\nprint(a + b)\n"
METHOD = "class Solution:\n    def add(self, a, b):\n        return a + b\n"
TESTS = {
    "sum": ([("1 2", "3"), ("3 4", "7"), ("5 6", "11"), ("7 8", "15")], {}),
    "method": ([("1\n2", "3"), ("3\n4", "7")], {"func_name": "add"}),
    "none": ([], {}),
    "broken": ([("1\n2", "3,")], {"func_name": "add"}),
}


class Flaky(DockerSandbox):
    """Counts the programs it runs; fails for as many as it is told to, as if Docker had died."""

    num_runs = 0
    num_failures = 0
    lock = threading.Lock()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.given: list[str | bytes] = []
        self.is_open = threading.Event()
        self.is_open.set()

    def run(
        self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
    ) -> Generator[Execution]:
        self.is_open.wait(timeout=60)
        with self.lock:
            self.num_runs += 1
            is_failing, self.num_failures = self.num_failures > 0, max(0, self.num_failures - 1)
        if is_failing:
            raise SandboxError("Docker has died")
        self.given.append(program.code)
        yield from super().run(program, self._noted(inputs), limits, alone=alone)

    def _noted(self, inputs: Iterable[bytes]) -> Iterator[bytes]:
        for one in inputs:
            self.given.append(one)
            yield one


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, hub_row: Callable[..., dict[str, str]]) -> Path:
    folder = tmp_path_factory.mktemp("store")
    rows = [hub_row(name, *cases, **metadata) for name, (cases, metadata) in TESTS.items()]
    (folder / "problems.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    convert(folder / "problems.jsonl", folder / "tests.sqlite")
    return folder / "tests.sqlite"


def problem(store: Path, name: str = "sum", *, sha256: str | None = None) -> Problem:
    with Store.open(store) as opened:
        found = opened.problem(name)
    tests = CodeTests(
        store=str(store),
        problem_id=name,
        num_tests=found.num_tests,
        sha256=sha256 or found.sha256,
        fn_name=json.loads(found.fields["metadata"]).get("func_name"),
    )
    return Problem(name, ({"role": "user", "content": "Add."},), tests)


def inline(*cases: tuple[str, str], **options: Any) -> InlineTests:
    inputs, outputs = zip(*cases, strict=True)
    return InlineTests(inputs=inputs, outputs=outputs, **options)


def sample(text: str, name: str = "sum", index: int = 0) -> Sample:
    return Sample(
        task="sums",
        problem_id=name,
        index=index,
        seed=1,
        text=text,
        finish_reason="stop",
        num_tokens=1,
    )


def block(code: str) -> str:
    return f"It is easy:\n```python\n{code}```\n"


class Grading:
    """A pool, its sandbox and its problems."""

    def __init__(self, store: Path, pool: CodePool, sandbox: Flaky) -> None:
        self.store, self.pool, self.sandbox = store, pool, sandbox

    def submit(self, text: str, name: str = "sum") -> "Future[Grade]":
        return self.pool.submit(problem(self.store, name), sample(text, name))

    def grade(self, text: str, name: str = "sum") -> Grade:
        return self.submit(text, name).result(timeout=60)

    def grade_inline(self, code: str, tests: InlineTests) -> Grade:
        return self.pool.submit(Problem("", (), tests), sample(block(code))).result(timeout=60)

    def run(self, code: str, stdin: str = "", *, time_limit_s: float = 5.0) -> Execution:
        return self.pool.run(code, stdin, time_limit_s=time_limit_s).result(timeout=60)


def opened(store: Path, grader: str = "code", **options: Any) -> Iterator[Grading]:
    sandbox = Flaky(num_slots=2)
    with CodePool(grader, sandbox=sandbox, **options) as pool:
        yield Grading(store, pool, sandbox)


@pytest.fixture(scope="module", params=["code", "code-process"])
def grading(request: pytest.FixtureRequest, store: Path) -> Iterator[Grading]:
    yield from opened(store, request.param)


@pytest.fixture
def fresh(store: Path) -> Iterator[Grading]:
    yield from opened(store)


@pytest.fixture
def sharing(store: Path) -> Iterator[Grading]:
    yield from opened(store, partial_credit=True)


@pytest.fixture
def indulgent(store: Path) -> Iterator[Grading]:
    yield from opened(store, unclosed_thinking="grade")


@pytest.fixture
def wire(
    sandbox_client: "DockerClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Wire]:
    with opened_wire(tmp_path, monkeypatch) as made:
        yield made


@pytest.mark.parametrize(("name", "code"), [("sum", ADD), ("method", METHOD)])
def test_a_right_program_scores_one(grading: Grading, name: str, code: str) -> None:
    grade = grading.grade(block(code), name)

    assert (grade.verdict, grade.score, grade.detail) == (Verdict.CORRECT, 1.0, "")
    assert grade.extracted is not None
    assert grade.extracted.strip() == code.strip()
    assert grade.rule == f"last-block, {grading.pool.mode}"
    assert grade.seconds > 0


def test_a_wrong_program_scores_nothing_and_names_the_test(grading: Grading) -> None:
    grade = grading.grade(block("a, b = map(int, input().split())\nprint(a + b if a < 5 else 0)\n"))

    assert (grade.verdict, grade.score) == (Verdict.WRONG, 0.0)
    assert grade.detail == "test 3 of 4: expected '11', got '0\\n'"


@pytest.mark.parametrize("text", ["", "It is 3.", "```python\n```", "```python\nprint(3)"])
def test_a_text_without_a_program_is_no_answer(grading: Grading, text: str) -> None:
    num_runs = grading.sandbox.num_runs

    grade = grading.grade(text)

    assert (grade.verdict, grade.score) == (Verdict.NO_ANSWER, 0.0)
    assert grading.sandbox.num_runs == num_runs


def test_thinking_without_an_end_is_looked_into_where_it_is_asked_for(
    fresh: Grading, indulgent: Grading
) -> None:
    text = f"<think>Perhaps so:\n{block(ADD)}"

    assert fresh.grade(text).verdict is Verdict.NO_ANSWER
    assert indulgent.grade(text).verdict is Verdict.CORRECT
    assert fresh.pool.profile != indulgent.pool.profile


@pytest.mark.parametrize("code", ["x = '\0'\n", "x = '\ud800'\n", "def f(:\n"])
def test_a_program_that_cannot_be_compiled_fails_as_at_run_time(
    grading: Grading, code: str
) -> None:
    assert grading.grade(block(code)).verdict is Verdict.RUNTIME_ERROR


def test_a_problem_without_tests_is_never_passed(grading: Grading) -> None:
    grade = grading.grade(block(ADD), "none")

    assert (grade.verdict, grade.score) == (Verdict.GRADER_ERROR, None)
    assert "no tests" in grade.detail


def test_tests_that_cannot_be_read_are_no_verdict(grading: Grading) -> None:
    grade = grading.grade(block(METHOD), "broken")

    assert (grade.verdict, grade.score) == (Verdict.GRADER_ERROR, None)


def test_other_tests_than_those_of_the_run_are_no_verdict(grading: Grading) -> None:
    changed = problem(grading.store, sha256="0" * 64)

    grade = grading.pool.grade(changed, sample(block(ADD)))

    assert (grade.verdict, grade.score) == (Verdict.GRADER_ERROR, None)
    assert "sha256" in grade.detail


def test_a_problem_of_mathematics_is_refused(grading: Grading) -> None:
    with pytest.raises(UsageError, match="no tests"):
        grading.pool.grade(Problem("1", (), Answer("3")), sample(block(ADD)))


def test_equal_programs_are_run_once(fresh: Grading) -> None:
    futures = [fresh.submit(f"No. {number}\n{block(ADD)}") for number in range(20)]

    assert {one.result(timeout=60).verdict for one in futures} == {Verdict.CORRECT}
    assert fresh.sandbox.num_runs == 1


def test_the_same_program_for_another_problem_is_run_again(fresh: Grading) -> None:
    fresh.grade(block(METHOD), "method")
    fresh.grade(block(METHOD), "sum")

    assert fresh.sandbox.num_runs == 2


def test_who_waits_for_an_equal_program_keeps_nobody_else_waiting(fresh: Grading) -> None:
    """There are more of them than threads."""
    slow = block("import time\nwhile not time.sleep(1): pass\n")
    waiting = [fresh.submit(slow) for _ in range(40)]

    assert fresh.grade(block(ADD)).verdict is Verdict.CORRECT
    assert not any(one.done() for one in waiting)
    assert fresh.pool.num_under_way == 1


def test_other_limits_and_other_tests_are_judged_anew(fresh: Grading) -> None:
    tests = problem(fresh.store).target
    assert isinstance(tests, CodeTests)
    others = (replace(tests, time_limit_s=3.0), replace(tests, fn_name="add"))

    for one in (tests, *others, tests):
        fresh.pool.submit_code(ADD, one).result(timeout=60)

    assert fresh.sandbox.num_runs == 3


def test_old_verdicts_make_room_for_new_ones(
    fresh: Grading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh.pool, "_memo", Memo(2, lambda _: True))
    programs = [block(f"{ADD}# {number}\n") for number in range(3)]
    for number in (0, 1, 0, 2, 0):
        fresh.grade(programs[number])

    assert fresh.sandbox.num_runs == 3
    fresh.grade(programs[1])
    assert fresh.sandbox.num_runs == 4


def test_a_failure_of_the_sandbox_is_tried_again(fresh: Grading) -> None:
    fresh.sandbox.num_failures = 1

    assert fresh.grade(block(ADD)).verdict is Verdict.CORRECT
    assert fresh.sandbox.num_runs == 2


def test_a_second_failure_is_a_grader_error_and_is_forgotten(fresh: Grading) -> None:
    fresh.sandbox.num_failures = 2

    grade = fresh.grade(block(ADD))

    assert (grade.verdict, grade.score) == (Verdict.GRADER_ERROR, None)
    assert "Docker has died" in grade.detail
    assert fresh.grade(block(ADD)).verdict is Verdict.CORRECT


def test_those_who_wait_for_the_same_program_are_told_of_the_failure(fresh: Grading) -> None:
    fresh.sandbox.num_failures = 2
    fresh.sandbox.is_open.clear()
    futures = [fresh.submit(block(ADD)) for _ in range(6)]
    fresh.sandbox.is_open.set()

    grades = [one.result(timeout=60) for one in futures]

    assert {(one.verdict, one.score) for one in grades} == {(Verdict.GRADER_ERROR, None)}
    assert fresh.grade(block(ADD)).verdict is Verdict.CORRECT


def test_a_code_at_hand_raises_where_the_sandbox_fails(fresh: Grading) -> None:
    fresh.sandbox.num_failures = 2
    tests = problem(fresh.store).target
    assert isinstance(tests, CodeTests)

    with pytest.raises(SandboxError, match="Docker has died"):
        fresh.pool.submit_code(ADD, tests).result(timeout=60)


def test_a_store_that_is_gone_is_an_error_of_the_data(fresh: Grading, tmp_path: Path) -> None:
    tests = CodeTests(store=str(tmp_path / "no.sqlite"), problem_id="a", num_tests=1, sha256="")

    with pytest.raises(DataError, match=r"no\.sqlite"):
        fresh.pool.submit_code(ADD, tests).result(timeout=60)


@pytest.mark.parametrize(
    ("code", "tests", "verdict"),
    [
        (ADD, inline(("1 2", "3"), ("3 4", "7")), Verdict.CORRECT),
        (ADD, inline(("1 2", "3"), ("3 4", "8")), Verdict.WRONG),
        (METHOD, inline(("1\n2", "3"), fn_name="add"), Verdict.CORRECT),
        (METHOD, inline(("1\n2", "4"), fn_name="add"), Verdict.WRONG),
        (METHOD, inline(("1\n2", "3,"), fn_name="add"), Verdict.GRADER_ERROR),
        ("while True: pass\n", inline(("", ""), time_limit_s=0.2), Verdict.TIME_LIMIT),
    ],
    ids=["right", "wrong", "right method", "wrong method", "no JSON", "slow"],
)
def test_tests_at_hand_are_as_good_as_stored_ones(
    grading: Grading, code: str, tests: InlineTests, verdict: Verdict
) -> None:
    grade = grading.grade_inline(code, tests)

    assert grade.verdict is verdict
    assert grade.score == {Verdict.CORRECT: 1.0, Verdict.GRADER_ERROR: None}.get(verdict, 0.0)


def test_tests_at_hand_say_where_the_program_is(grading: Grading) -> None:
    tests = inline(("1 2", "3"), extraction="archer")
    text = f"```python\n{ADD}```\n</think> none here"

    assert grading.pool.grade(Problem("", (), tests), sample(text)).verdict is Verdict.NO_ANSWER


def test_equal_tests_are_the_same_wherever_they_are(fresh: Grading) -> None:
    """Stored or at hand; other outputs are other tests."""
    cases = TESTS["sum"][0]
    fresh.grade(block(ADD))
    for one in (cases, list(cases)):
        assert fresh.grade_inline(ADD, inline(*one)).verdict is Verdict.CORRECT
    assert fresh.sandbox.num_runs == 1

    assert fresh.grade_inline(ADD, inline(*cases[:-1], ("7 8", "0"))).verdict is Verdict.WRONG
    assert fresh.grade_inline(ADD, inline(*cases[:-1])).verdict is Verdict.CORRECT
    assert fresh.sandbox.num_runs == 3


def test_expected_outputs_stay_outside(fresh: Grading) -> None:
    grade = fresh.grade_inline("print(input())\n", inline(("a", "SECRET"), ("b", "b")))

    assert grade.verdict is Verdict.WRONG
    assert fresh.sandbox.given[0].strip() == "print(input())"
    assert set(fresh.sandbox.given[1:]) <= {b"a", b"b"}


def test_a_program_is_run_without_being_judged(grading: Grading) -> None:
    """Each time anew; its name is its own, as that of a script."""
    code = (
        "import sys\nif __name__ == '__main__':\n"
        "    print(input())\n    print('why', file=sys.stderr)\n    sys.exit(3)\n"
    )
    num_runs = grading.sandbox.num_runs
    found = [grading.run(code, "given\n") for _ in range(2)][-1]

    assert (found.stdout, found.stderr, found.exit_code) == (b"given\n", b"why\n", 3)
    assert grading.sandbox.num_runs == num_runs + 2


def test_a_program_that_is_run_has_a_time_limit(grading: Grading) -> None:
    found = grading.run("print(1, flush=True)\nwhile True: pass", time_limit_s=0.2)

    assert (found.status, found.exit_code, found.stdout) == (Status.TIME_LIMIT, None, b"1\n")


def test_a_run_is_tried_again_once_where_the_sandbox_fails(fresh: Grading) -> None:
    fresh.sandbox.num_failures = 1
    assert fresh.run("print(1)").stdout == b"1\n"

    fresh.sandbox.num_failures = 2
    with pytest.raises(SandboxError, match="Docker has died"):
        fresh.run("print(1)")
    assert fresh.pool.num_failures == 3


def test_a_share_of_the_tests_counts_where_it_is_asked_for(sharing: Grading) -> None:
    grade = sharing.grade(
        block("a, b = map(int, input().split())\nprint(a + b if a != 3 else 0)\n")
    )

    assert (grade.verdict, grade.score) == (Verdict.WRONG, 0.75)
    assert grade.detail.startswith("test 2 of 4: ")
    assert sharing.grade(block(ADD)).score == 1.0


def test_a_program_that_was_not_run_has_no_share(sharing: Grading) -> None:
    """It is larger than any program is."""
    grade = sharing.grade(block("#" * (2 << 20) + "\n"))

    assert (grade.verdict, grade.score) == (Verdict.RUNTIME_ERROR, 0.0)


def test_graders_with_and_without_shares_have_different_profiles(
    fresh: Grading, sharing: Grading
) -> None:
    assert fresh.pool.profile != sharing.pool.profile


def test_a_pool_that_is_closed_gives_no_verdict_on_what_was_cut_short(store: Path) -> None:
    sandbox = Flaky(num_slots=1)
    with CodePool("code-process", sandbox=sandbox) as pool:
        running = pool.submit(problem(store), sample(block("import time\ntime.sleep(60)\n")))
        while not sandbox._warm:  # until the program has a container
            time.sleep(0.01)
        waiting = pool.submit(problem(store), sample(block(ADD)))

        run = pool.run("print(1)", "", time_limit_s=1.0)

    for one in (running, waiting, run):
        with pytest.raises(CancelledError):
            one.result(timeout=30)
    assert pool.num_failures == 0


def test_check_passes_where_programs_can_be_run(grading: Grading) -> None:
    grading.pool.check(timeout_s=60)


def test_check_of_a_docker_that_is_silent_fails_in_time(
    fresh: Grading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection and never answers."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/silent.sock")

        with pytest.raises(SandboxError, match=r"in time .*timeout=0\.1\b"):
            fresh.pool.check(timeout_s=0.1)


def test_containers_that_are_killed_cost_no_verdict(
    fresh: Grading, sandbox_client: "DockerClient"
) -> None:
    """All at once, in the middle of the work of both slots."""
    programs = [_adding(number) for number in range(12)]
    futures = [fresh.submit(block(code)) for code, _ in programs]
    _wait_until(lambda: sum(one.done() for one in futures) >= 2)
    for container in list(fresh.sandbox._warm.values()):
        sandbox_client.containers.get(container._container.id).kill()

    assert [one.result(timeout=60).verdict for one in futures] == [one for _, one in programs]
    assert fresh.pool.num_failures > 0


# The docker library leaks its socket where it cannot connect.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_docker_that_starts_again_costs_no_verdict(store: Path, wire: Wire) -> None:
    """Nor does any program remain without one."""
    programs = [_adding(number) for number in range(12)]
    for grading in opened(store):
        futures = [grading.submit(block(code)) for code, _ in programs]
        _wait_until(lambda waiting=futures: sum(one.done() for one in waiting) >= 2)
        wire.cut()
        with pytest.raises(SandboxError, match="Docker does not run here"):
            grading.pool.check(timeout_s=1)
        wire.mend()

        assert [one.result(timeout=60).verdict for one in futures] == [one for _, one in programs]
        assert grading.pool.num_failures > 0
        grading.pool.check(timeout_s=60)
    gc.collect()


def _adding(number: int) -> tuple[str, Verdict]:
    """A program that takes its time, and its verdict: every third is wrong."""
    is_wrong = number % 3 == 0
    code = f"import time\ntime.sleep(0.1)\n{ADD}# {number}\n"
    if is_wrong:
        return code.replace("a + b", "a + b + 1"), Verdict.WRONG
    return code, Verdict.CORRECT


def _wait_until(is_true: Callable[[], bool], limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_the_manifest_tells_what_verdicts_depend_on(grading: Grading) -> None:
    found = grading.pool.describe()

    assert found["mode"] == grading.pool.mode
    assert found["sandbox_sha256"] == grading.sandbox.identity
    assert 0.01 < found["cpu_calibration_s"] < 10
