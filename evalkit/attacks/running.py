"""Runs programs of the attack suite, each followed by the canary."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from evalkit.attacks.suite import SUITE_DIR, Attack, ProblemSpec
from evalkit.graders.code import judge
from evalkit.resources import resource_dir
from evalkit.sandbox.types import Limits, Mode, Program, Sandbox
from evalkit.teststore import Case
from evalkit.types import Grade, SandboxError, Verdict

CANARY = "canary"
_CANARY_LIMIT_S = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one program, or of the canary after it (`kind` is CANARY then)."""

    name: str
    kind: str
    mode: Mode
    verdict: Verdict
    expected: tuple[Verdict, ...]
    detail: str
    seconds: float

    @property
    def is_as_expected(self) -> bool:
        return self.verdict in self.expected


Judge = Callable[[str, ProblemSpec, Mode], Grade]


def shares(attacks: Iterable[Attack], count: int) -> list[list[Attack]]:
    """`attacks` dealt out to `count` workers; a program stays with the one that it follows."""
    dealt: list[list[Attack]] = [[] for _ in range(count)]
    turn = -1
    for attack in attacks:
        turn += not attack.after
        dealt[turn % count].append(attack)
    return [share for share in dealt if share]


def run_suite(
    attacks: Sequence[Attack],
    judge_one: Judge,
    *,
    modes: Iterable[Mode] = tuple(Mode),
    with_canary: bool = True,
) -> Iterator[Outcome]:
    """Judges each program in each mode, and then the canary; two outcomes for each, as they come.

    What one program leaves is seen by the next only where both run in the same container: give a
    judge whose sandbox has one slot.
    """
    canary = (resource_dir(SUITE_DIR) / "canary.py").read_text(encoding="utf-8")
    for mode in modes:
        for attack in attacks:
            yield _outcome(attack, mode, judge_one)
            if with_canary:
                yield _outcome(_canary(canary, attack, mode), mode, judge_one)


def judge_in(sandbox: Sandbox) -> Judge:
    """Judges in `sandbox`; a failure of the sandbox is GRADER_ERROR, which no program may cause."""

    def judge_one(code: str, problem: ProblemSpec, mode: Mode) -> Grade:
        program = Program(code, mode, problem.fn_name)
        limits = Limits(cpu_s=problem.time_limit_s)
        try:
            found = judge(program, lambda: problem.cases, sandbox, limits)
        except SandboxError as error:
            return Grade(verdict=Verdict.GRADER_ERROR, score=None, detail=str(error))
        score = float(found.verdict is Verdict.CORRECT)
        return Grade(verdict=found.verdict, score=score, detail=found.detail)

    return judge_one


def _outcome(attack: Attack, mode: Mode, judge_one: Judge) -> Outcome:
    start = monotonic()
    grade = judge_one(attack.code, attack.problem, mode)
    return Outcome(
        name=attack.name,
        kind=attack.kind,
        mode=mode,
        verdict=grade.verdict,
        expected=attack.expected[mode],
        detail=grade.detail,
        seconds=monotonic() - start,
    )


def _canary(code: str, attack: Attack, mode: Mode) -> Attack:
    a, b = random.sample(range(10**12), 2)
    problem = ProblemSpec(
        name=CANARY, cases=(Case(f"{a} {b}\n", f"{a + b}\n"),), time_limit_s=_CANARY_LIMIT_S
    )
    return Attack(
        name=attack.name,
        kind=CANARY,
        problem=problem,
        code=code,
        reason="nothing is left of the program before it",
        expected={mode: (Verdict.CORRECT,)},
    )
