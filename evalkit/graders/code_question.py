"""The program of a completion, the tests it has to pass, and the grade that follows from both."""

from dataclasses import dataclass

from evalkit.graders.cases import Tests
from evalkit.graders.code import Judgement
from evalkit.graders.program import FoundProgram
from evalkit.sandbox.types import Mode
from evalkit.types import EvalkitError, Grade, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeQuestion:
    """With `partial_credit` the score is the share of tests passed."""

    found: FoundProgram
    tests: Tests
    mode: Mode
    partial_credit: bool

    def no_answer(self) -> Grade:
        """For a completion without a program."""
        return Grade(verdict=Verdict.NO_ANSWER, score=0.0, rule=self.found.rule)

    def grade(self, judgement: Judgement, seconds: float) -> Grade:
        return Grade(
            verdict=judgement.verdict,
            score=self._score(judgement),
            extracted=self.found.code,
            span=(self.found.start, self.found.end),
            rule=self._rule,
            detail=self._detail(judgement),
            seconds=round(seconds, 4),
        )

    def failure(self, error: EvalkitError) -> Grade:
        """Ours, not the program's."""
        return Grade(verdict=Verdict.GRADER_ERROR, score=None, rule=self._rule, detail=str(error))

    @property
    def _rule(self) -> str:
        return f"{self.found.rule}, {self.mode}"

    def _score(self, judgement: Judgement) -> float:
        if self.partial_credit:
            return judgement.num_passed / self.tests.num_tests
        return float(judgement.verdict is Verdict.CORRECT)

    def _detail(self, judgement: Judgement) -> str:
        if judgement.failing_test is None:
            return ""
        place = f"test {judgement.failing_test + 1} of {self.tests.num_tests}"
        return f"{place}: {judgement.detail}"
