"""Programs graded side by side: equal ones once, failures of ours never as verdicts."""

import json
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.graders import code_pool
from evalkit.graders.code_pool import CodePool
from evalkit.sandbox.docker import DockerSandbox
from evalkit.sandbox.types import Execution, Limits, Program
from evalkit.teststore import Store, convert
from evalkit.types import (
    Answer,
    CodeTests,
    DataError,
    Grade,
    Problem,
    Sample,
    SandboxError,
    UsageError,
    Verdict,
)

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

    def run(
        self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
    ) -> Generator[Execution]:
        with self.lock:
            self.num_runs += 1
            is_failing, self.num_failures = self.num_failures > 0, max(0, self.num_failures - 1)
        if is_failing:
            raise SandboxError("Docker has died")
        yield from super().run(program, inputs, limits, alone=alone)


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


def test_other_limits_and_other_tests_are_judged_anew(fresh: Grading) -> None:
    tests = problem(fresh.store).target
    assert isinstance(tests, CodeTests)
    others = (replace(tests, time_limit_s=3.0), replace(tests, fn_name="add"))

    for one in (tests, *others, tests):
        fresh.pool.judge(ADD, one)

    assert fresh.sandbox.num_runs == 3


def test_old_verdicts_make_room_for_new_ones(
    fresh: Grading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_pool, "_CACHE_SIZE", 2)
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
    fresh.sandbox.num_failures = 4
    grades = [one.result(60) for one in [fresh.submit(block(ADD)) for _ in range(6)]]

    assert {(one.verdict, one.score) for one in grades} <= {
        (Verdict.GRADER_ERROR, None),
        (Verdict.CORRECT, 1.0),
    }
    assert Verdict.GRADER_ERROR in {one.verdict for one in grades}
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

    assert running.exception(timeout=30) is not None
    with pytest.raises(CancelledError):
        waiting.result(timeout=30)


def test_the_manifest_tells_what_verdicts_depend_on(grading: Grading) -> None:
    found = grading.pool.describe()

    assert found["mode"] == grading.pool.mode
    assert found["sandbox_sha256"] == grading.sandbox.identity
    assert 0.01 < found["cpu_calibration_s"] < 10
