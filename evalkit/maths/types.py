"""What extraction and comparison say of an answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extraction:
    """`answer` is what stands in `text[start:end]`, without surrounding marks; None: no answer.

    `rule` names what found it. `flag` says what is suspicious about it ("" where nothing is).
    """

    answer: str | None
    rule: str
    start: int = 0
    end: int = 0
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether gold and answer are equal, and by which rule; `equal` is None where grading failed."""

    equal: bool | None
    rule: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a comparison. `verdict` is None where it did not decide."""

    name: str
    verdict: bool | None
    seconds: float
    detail: str = ""
