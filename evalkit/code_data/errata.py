"""Problems of LiveCodeBench that a right program can fail, as its authors list them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from evalkit.configs import load_yaml
from evalkit.resources import resource_dir


class ErratumKind(StrEnum):
    """What is wrong: one of several right answers is asked for, a dialogue is, or a test is wrong."""

    SEVERAL_ANSWERS = "several_answers"
    INTERACTIVE = "interactive"
    WRONG_TESTS = "wrong_tests"


@dataclass(frozen=True, slots=True)
class Erratum:
    problem_id: str
    kind: ErratumKind
    detail: str
    source: str


@cache
def errata() -> Mapping[str, Erratum]:
    """By problem id."""
    values = load_yaml(resource_dir("tasks") / "livecodebench" / "errata.yaml")
    return {
        problem_id: Erratum(problem_id, kind, detail or "", values["source"])
        for kind in ErratumKind
        for problem_id, detail in values[kind].items()
    }
