"""The attack suite: hostile programs that must neither pass nor do harm, and honest ones that must pass.

The programs are data in `tests/attacks/`: one property a file, with its reason and the expected
verdicts in `hostile.yaml` and `honest.yaml`. Each run of one is followed by the canary, an honest
program that solves a fresh problem and looks for what its predecessor left behind.
"""

from evalkit.attacks.running import CANARY, Judge, Outcome, judge_in, run_suite, shares
from evalkit.attacks.suite import (
    HONEST,
    HOSTILE,
    SUITE_DIR,
    Attack,
    ProblemSpec,
    load_problems,
    load_suite,
    select,
)

__all__ = [
    "CANARY",
    "HONEST",
    "HOSTILE",
    "SUITE_DIR",
    "Attack",
    "Judge",
    "Outcome",
    "ProblemSpec",
    "judge_in",
    "load_problems",
    "load_suite",
    "run_suite",
    "select",
    "shares",
]
