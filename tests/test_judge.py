"""Verdicts on small programs, in real containers: what is compared, and where judging stops."""

from collections.abc import Callable, Generator, Iterable, Iterator

import pytest

from evalkit.graders.code import Judgement, judge
from evalkit.sandbox.docker import DockerSandbox
from evalkit.sandbox.types import Execution, Limits, Mode, Program, Status
from evalkit.teststore import Case
from evalkit.types import DataError, Verdict

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("sandbox_client")]

SUMS = (Case("1 2\n", "3\n"), Case("3 4\n", "7\n"), Case("5 6\n", "11\n"))
PAIRS = (Case("1\n2", "[1, 2]"), Case("3\n4", "[3, 4]"))
ADD = "a, b = map(int, input().split())\nprint(a + b)\n"


class Spy(DockerSandbox):
    """Counts the programs and their tests, and runs them."""

    num_tests = 0

    def __init__(self, *, num_slots: int) -> None:
        super().__init__(num_slots=num_slots)
        self.runs: list[bool] = []

    def run(
        self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
    ) -> Generator[Execution]:
        self.runs.append(alone)
        for execution in super().run(program, inputs, limits, alone=alone):
            self.num_tests += 1
            yield execution


@pytest.fixture(scope="module")
def shared(sandbox_client: object) -> Iterator[Spy]:
    with Spy(num_slots=1) as made:
        yield made


@pytest.fixture
def sandbox(shared: Spy) -> Spy:
    shared.runs.clear()
    shared.num_tests = 0
    return shared


@pytest.fixture
def judged(sandbox: Spy) -> Callable[..., Judgement]:
    def judge_it(
        code: str,
        cases: tuple[Case, ...] = SUMS,
        *,
        mode: Mode = Mode.PROCESS,
        fn_name: str | None = None,
        cpu_s: float = 6.0,
        runs_all: bool = False,
    ) -> Judgement:
        program, limits = Program(code, mode, fn_name), Limits(cpu_s=cpu_s)
        return judge(program, lambda: cases, sandbox, limits, runs_all=runs_all)

    return judge_it


@pytest.mark.parametrize("mode", Mode)
def test_a_right_program_is_correct(judged: Callable[..., Judgement], mode: Mode) -> None:
    found = judged(f"sum(range(100_000))\n{ADD}", mode=mode)

    assert (found.verdict, found.status, found.failing_test) == (Verdict.CORRECT, Status.OK, None)
    assert (found.num_passed, found.num_run, found.detail) == (3, 3, "")
    assert 0 < found.cpu_s < 3
    assert found.wall_s > 0


@pytest.mark.parametrize("mode", Mode)
def test_a_wrong_program_says_which_test_and_what(
    judged: Callable[..., Judgement], mode: Mode
) -> None:
    code = "a, b = map(int, input().split())\nprint(a + b if a < 3 else a)\n"

    found = judged(code, mode=mode)

    assert (found.verdict, found.status, found.failing_test) == (Verdict.WRONG, Status.OK, 1)
    assert (found.num_passed, found.num_run) == (1, 2)
    assert found.detail == "expected '7\\n', got '3\\n'"


def test_long_outputs_are_shortened_in_the_detail(judged: Callable[..., Judgement]) -> None:
    found = judged("print('x' * 1_000_000)")

    assert len(found.detail) < 300


VERDICTS = {
    "an exception": ("1 / 0", Verdict.RUNTIME_ERROR, "exit code 1"),
    "a syntax error": ("def", Verdict.RUNTIME_ERROR, "SyntaxError"),
    "a loop": ("while True: pass", Verdict.TIME_LIMIT, "of CPU time"),
    "nothing": ("pass", Verdict.WRONG, "got ''"),
    "bytes": ("import sys\nsys.stdout.buffer.write(b'\\xff')", Verdict.WRONG, "\ufffd"),
}


@pytest.mark.parametrize(("code", "verdict", "detail"), VERDICTS.values(), ids=VERDICTS)
def test_a_program_that_fails_has_a_verdict_and_a_reason(
    judged: Callable[..., Judgement], code: str, verdict: Verdict, detail: str
) -> None:
    found = judged(code, cpu_s=0.4)

    assert (found.verdict, found.failing_test, found.num_passed) == (verdict, 0, 0)
    assert detail in found.detail


@pytest.mark.parametrize(
    ("body", "mode", "verdict"),
    [
        ("return [a, b]", Mode.OFFICIAL, Verdict.CORRECT),
        ("return a, b", Mode.OFFICIAL, Verdict.CORRECT),
        ("return [float(a), b + 1e-9]", Mode.OFFICIAL, Verdict.WRONG),
        ("return deque([a, b])", Mode.OFFICIAL, Verdict.WRONG),
        ("return deque([a, b])", Mode.PROCESS, Verdict.CORRECT),
        ("yield a; yield b", Mode.OFFICIAL, Verdict.WRONG),
        ("yield a; yield b", Mode.PROCESS, Verdict.CORRECT),
        ("return [b, a]", Mode.PROCESS, Verdict.WRONG),
        ("return type('E', (list,), {'__eq__': lambda *_: True})()", Mode.OFFICIAL, Verdict.WRONG),
        ("print([a, b])", Mode.PROCESS, Verdict.WRONG),
        ("raise SystemExit", Mode.PROCESS, Verdict.RUNTIME_ERROR),
    ],
)
def test_values_are_judged_by_the_rules_of_the_mode(
    judged: Callable[..., Judgement], body: str, mode: Mode, verdict: Verdict
) -> None:
    code = (
        f"from collections import deque\nclass Solution:\n    def f(self, a, b):\n        {body}\n"
    )

    assert judged(code, PAIRS, mode=mode, fn_name="f").verdict is verdict


@pytest.mark.parametrize("body", ["return [(1, 2), 0.5]", "return [[1, 2], 0.5000001]"])
@pytest.mark.parametrize(
    ("mode", "verdict"), [(Mode.OFFICIAL, Verdict.WRONG), (Mode.PROCESS, Verdict.CORRECT)]
)
def test_only_mode_official_is_strict(
    judged: Callable[..., Judgement], body: str, mode: Mode, verdict: Verdict
) -> None:
    found = judged(f"def f(n): {body}", (Case("1", "[[1, 2], 0.5]"),), mode=mode, fn_name="f")

    assert found.verdict is verdict


@pytest.mark.parametrize(
    ("mode", "verdict"), [(Mode.OFFICIAL, Verdict.WRONG), (Mode.PROCESS, Verdict.CORRECT)]
)
def test_one_object_serves_all_tests_only_in_mode_official(
    judged: Callable[..., Judgement], mode: Mode, verdict: Verdict
) -> None:
    code = (
        "class Solution:\n    seen = []\n"
        "    def f(self, a, b):\n        self.seen += [a, b]\n        return self.seen\n"
    )

    assert judged(code, PAIRS, mode=mode, fn_name="f").verdict is verdict


def test_judging_stops_at_the_first_failure(judged: Callable[..., Judgement], sandbox: Spy) -> None:
    found = judged("print(3)", SUMS * 10)

    assert (found.num_run, sandbox.num_tests, sandbox.runs) == (2, 2, [False])


def test_all_tests_are_run_where_shares_are_asked_for(judged: Callable[..., Judgement]) -> None:
    """The verdict stays that of the first failure."""
    code = "a, b = map(int, input().split())\nprint(1 // (a - 1) if a < 3 else 7)\n"

    found = judged(code, SUMS, runs_all=True)

    assert (found.verdict, found.failing_test) == (Verdict.RUNTIME_ERROR, 0)
    assert (found.num_passed, found.num_run) == (1, 3)


def test_all_tests_are_run_after_one_that_ended_the_official_process(
    judged: Callable[..., Judgement],
) -> None:
    code = "import posix\ndef f(a, b):\n    if a == 1: posix._exit(0)\n    return [a, b]\n"

    found = judged(code, PAIRS, mode=Mode.OFFICIAL, fn_name="f", runs_all=True)

    assert (found.verdict, found.failing_test) == (Verdict.RUNTIME_ERROR, 0)
    assert (found.num_passed, found.num_run) == (1, 2)


@pytest.mark.parametrize("runs_all", [False, True])
def test_a_problem_without_tests_is_no_verdict(
    judged: Callable[..., Judgement], runs_all: bool
) -> None:
    with pytest.raises(DataError, match="no tests"):
        judged(ADD, (), runs_all=runs_all)


BURN = "import time\nwhile time.process_time() < {}: pass\nprint(input())\n"
ECHO = (Case("1", "1"), Case("2", "2"))


def test_a_program_in_time_is_run_once(judged: Callable[..., Judgement], sandbox: Spy) -> None:
    assert judged(BURN.format(0.05), ECHO, cpu_s=0.4).verdict is Verdict.CORRECT
    assert sandbox.runs == [False]


def test_a_program_between_one_and_two_limits_is_run_again_alone(
    judged: Callable[..., Judgement], sandbox: Spy
) -> None:
    found = judged(BURN.format(0.45), ECHO, cpu_s=0.3)

    assert (found.verdict, found.failing_test) == (Verdict.TIME_LIMIT, 0)
    assert (sandbox.runs, sandbox.num_tests) == ([False, True], 3)


def test_only_the_slow_tests_are_run_again(judged: Callable[..., Judgement], sandbox: Spy) -> None:
    code = (
        "import time\nn = input()\nwhile n == '2' and time.process_time() < 0.45: pass\nprint(n)\n"
    )

    found = judged(code, (*ECHO, Case("3", "3")), cpu_s=0.3)

    assert (found.verdict, found.failing_test) == (Verdict.TIME_LIMIT, 1)
    assert (found.num_passed, found.num_run) == (2, 3)
    assert (sandbox.runs, sandbox.num_tests) == ([False, True], 4)


def test_a_program_that_is_fast_enough_alone_is_correct(
    judged: Callable[..., Judgement], sandbox: Spy
) -> None:
    """It takes long on its first run only, as beside busy neighbours."""

    class Slowed(Spy):
        def run(
            self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
        ) -> Generator[Execution]:
            if not alone:
                program = Program(BURN.format(0.45), program.mode)
            return super().run(program, inputs, limits, alone=alone)

    with Slowed(num_slots=1) as slowed:
        fast = Program(BURN.format(0.05), Mode.PROCESS)
        found = judge(fast, lambda: ECHO, slowed, Limits(cpu_s=0.3))

        assert (found.verdict, found.num_passed, slowed.runs) == (
            Verdict.CORRECT,
            2,
            [False, True],
        )


def test_a_program_beyond_two_limits_is_too_slow_at_once(
    judged: Callable[..., Judgement], sandbox: Spy
) -> None:
    assert judged(BURN.format(9), ECHO, cpu_s=0.3).verdict is Verdict.TIME_LIMIT
    assert sandbox.runs == [False]


def test_a_program_that_waits_too_long_says_so(judged: Callable[..., Judgement]) -> None:
    found = judged("import time\ntime.sleep(60)", ECHO, cpu_s=0.2)

    assert found.verdict is Verdict.TIME_LIMIT
    assert found.detail.startswith("waited: ")


def test_an_expected_value_that_is_no_json_is_an_error_of_the_data(
    judged: Callable[..., Judgement],
) -> None:
    with pytest.raises(DataError):
        judged("def f(n): return n", (Case("1", "1,"),), fn_name="f")


def test_a_source_too_large_to_keep_is_an_error_of_the_program(
    judged: Callable[..., Judgement], sandbox: Spy
) -> None:
    found = judged("#" * (20 << 20))

    assert found.verdict is Verdict.RUNTIME_ERROR
    assert sandbox.runs == []
