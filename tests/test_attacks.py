"""The attack suite: complete, with reasons, right about honest programs; and the sandbox against it.

Programs whose verdict is a limit take seconds each: all of them run in the slow test only.
"""

import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from evalkit.attacks import (
    CANARY,
    HONEST,
    HOSTILE,
    SUITE_DIR,
    Attack,
    Outcome,
    ProblemSpec,
    judge_in,
    load_problems,
    load_suite,
    run_suite,
    select,
    shares,
)
from evalkit.graders.compare import same_text
from evalkit.resources import resource_dir
from evalkit.sandbox.docker import DockerSandbox
from evalkit.sandbox.types import Execution, Limits, Mode, Program
from evalkit.types import Grade, SandboxError, UsageError, Verdict

SUITE = load_suite()
NOT_COMPILING = {
    "syntax_error",
    "indentation_error",
    "nul_in_source",
    "surrogate_in_source",
    "coding_unknown",
}
PLAIN = [attack for attack in SUITE if attack.kind == HONEST and attack.problem.fn_name is None]
THIRD_PARTY = {"sortedcontainers_import": "sortedcontainers"}


def of_kind(kind: str) -> list[Attack]:
    return [attack for attack in SUITE if attack.kind == kind]


def grade(verdict: Verdict) -> Grade:
    return Grade(verdict=verdict, score=float(verdict is Verdict.CORRECT))


def write_suite(folder: Path, *, files: list[str], index: str) -> Path:
    for kind in (HOSTILE, HONEST):
        (folder / kind).mkdir()
        (folder / f"{kind}.yaml").write_text("time_limit_s: 1\nprograms: {}\n")
    (folder / "problems.yaml").write_text('add:\n  cases: [{input: "1 2", output: "3"}]\n')
    for name in files:
        (folder / HOSTILE / f"{name}.py").write_text("pass\n")
    (folder / "hostile.yaml").write_text(f"time_limit_s: 1\nprograms:\n{index}")
    return folder


def test_the_suite_has_the_promised_number_of_programs() -> None:
    assert len(of_kind(HOSTILE)) >= 100
    assert len(of_kind(HONEST)) >= 40


def test_names_are_unique_across_both_kinds() -> None:
    assert [name for name, count in Counter(one.name for one in SUITE).items() if count > 1] == []


def test_each_program_has_a_reason_in_a_sentence() -> None:
    assert [one.name for one in SUITE if len(one.reason) < 15 or one.reason[-1] not in ".)"] == []


def test_no_two_programs_are_the_same() -> None:
    counts = Counter((one.code, one.problem.name) for one in SUITE)
    assert [code for code, count in counts.items() if count > 1] == []


def test_each_problem_has_a_test_and_is_used() -> None:
    problems = load_problems(resource_dir(SUITE_DIR) / "problems.yaml")
    assert all(problem.cases for problem in problems.values())
    assert problems.keys() == {attack.problem.name for attack in SUITE}


def test_an_entry_can_ask_for_more_time_and_for_a_longer_text() -> None:
    by_name = {attack.name: attack for attack in SUITE}
    assert by_name["memory_bytes"].problem.time_limit_s == 10
    assert by_name["exit_zero"].problem.time_limit_s == 2
    assert len(by_name["giant_source"].code) > 1_000_000


def test_a_reader_of_residue_follows_its_planter() -> None:
    names = [attack.name for attack in SUITE]
    readers = [attack for attack in SUITE if attack.after]
    assert readers
    for reader in readers:
        assert names[names.index(reader.name) - 1] == reader.after


def test_honest_programs_are_correct_in_mode_process() -> None:
    expected = {one.name: one.expected[Mode.PROCESS] for one in of_kind(HONEST)}
    assert {name: v for name, v in expected.items() if v != (Verdict.CORRECT,)} == {}


@pytest.mark.parametrize("attack", SUITE, ids=lambda attack: attack.name)
def test_programs_compile_unless_they_are_meant_not_to(attack: Attack) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(attack.code.encode("utf-8", "surrogatepass"), attack.name, "exec")
        compiles = True
    except (SyntaxError, ValueError):
        compiles = False
    assert compiles == (attack.name not in NOT_COMPILING)


@pytest.mark.parametrize("attack", PLAIN, ids=lambda attack: attack.name)
def test_honest_programs_are_right_as_plain_processes(attack: Attack, tmp_path: Path) -> None:
    if module := THIRD_PARTY.get(attack.name):
        pytest.importorskip(module)
    program = tmp_path / "program.py"
    program.write_text(attack.code, encoding="utf-8")
    for case in attack.problem.cases:
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-X", "int_max_str_digits=50000", str(program)],
            input=case.input.encode(),
            capture_output=True,
            check=False,
            cwd=tmp_path,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()[-500:]
        assert same_text(case.output, done.stdout.decode())


def test_each_program_is_followed_by_a_canary_with_a_fresh_problem() -> None:
    seen: list[tuple[str, ProblemSpec, Mode]] = []

    def judge(code: str, problem: ProblemSpec, mode: Mode) -> Grade:
        seen.append((code, problem, mode))
        return grade(Verdict.CORRECT)

    outcomes = list(run_suite(SUITE[:2], judge, modes=[Mode.PROCESS]))
    assert [one.kind for one in outcomes] == [HOSTILE, CANARY, HOSTILE, CANARY]
    assert seen[0][0] == SUITE[0].code
    assert seen[1][1].cases != seen[3][1].cases


def test_an_unexpected_verdict_is_not_as_expected() -> None:
    def judge(code: str, problem: ProblemSpec, mode: Mode) -> Grade:
        return grade(Verdict.CORRECT)

    accepted = next(run_suite(select(SUITE, ["eq_object"]), judge))
    assert isinstance(accepted, Outcome)
    assert not accepted.is_as_expected


def test_choosing_a_reader_brings_its_planter() -> None:
    names = [one.name for one in select(SUITE, ["residue_sysv_read"])]
    assert names == ["residue_sysv", "residue_sysv_read"]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown program of the attack suite 'eq_objekt'"):
        select(SUITE, ["eq_objekt"])


def test_shares_keep_readers_with_their_planters_and_lose_nothing() -> None:
    dealt = shares(SUITE, 3)
    assert sorted(one.name for share in dealt for one in share) == sorted(a.name for a in SUITE)
    for share in dealt:
        names = [None, *(one.name for one in share)]
        assert all(one.after in (None, names[number]) for number, one in enumerate(share))


def test_more_workers_than_programs_get_no_empty_share() -> None:
    assert [len(share) for share in shares(SUITE[:2], 5)] == [1, 1]


def test_a_failing_sandbox_is_an_outcome_that_nobody_expects() -> None:
    class Broken:
        def run(
            self, program: Program, inputs: Iterable[bytes], limits: Limits, *, alone: bool = False
        ) -> Iterator[Execution]:
            raise SandboxError("Docker is gone")

    outcomes = list(run_suite(select(SUITE, ["eq_object"]), judge_in(Broken())))
    assert {one.verdict for one in outcomes} == {Verdict.GRADER_ERROR}
    assert not any(one.is_as_expected for one in outcomes)


def test_a_file_without_an_entry_is_refused(tmp_path: Path) -> None:
    entry = "  a: {problem: add, verdict: wrong, reason: why}\n"
    suite = write_suite(tmp_path, files=["a", "b"], index=entry)
    with pytest.raises(UsageError, match=r"differ: b"):
        load_suite(suite)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{problem: add, verdict: wrongg, reason: why}", "unknown verdict .* 'wrongg'"),
        ("{problem: add, verdict: grader_error, reason: why}", "unknown verdict"),
        ("{problem: ad, verdict: wrong, reason: why}", "unknown problem 'ad'"),
        ("{problem: add, reason: why}", "no expected verdict"),
        ("{problem: add, official: wrong, reason: why}", "no expected verdict"),
        ("{problem: add, verdict: wrong}", "missing key reason"),
        ("{problem: add, verdict: wrong, reason: why, verdikt: x}", "unknown key verdikt"),
    ],
)
def test_a_bad_entry_is_refused(tmp_path: Path, entry: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_suite(write_suite(tmp_path, files=["a"], index=f"  a: {entry}\n"))


LIMITS = {Verdict.TIME_LIMIT, Verdict.MEMORY_LIMIT}
QUICK = [one for one in SUITE if not any(LIMITS & set(v) for v in one.expected.values())]


@pytest.mark.docker
@pytest.mark.usefixtures("sandbox_client")
@pytest.mark.parametrize("mode", list(Mode))
def test_the_sandbox_withstands_the_programs_that_reach_no_limit(mode: Mode) -> None:
    assert unexpected(QUICK, mode) == []


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("sandbox_client")
@pytest.mark.parametrize("mode", list(Mode))
def test_the_sandbox_withstands_the_whole_suite(mode: Mode) -> None:
    assert unexpected(SUITE, mode) == []


def unexpected(attacks: list[Attack], mode: Mode) -> list[Outcome]:
    with DockerSandbox(num_slots=1) as sandbox:
        outcomes = list(run_suite(attacks, judge_in(sandbox), modes=[mode]))
    assert len(outcomes) == 2 * len(attacks)
    return [one for one in outcomes if not one.is_as_expected]
