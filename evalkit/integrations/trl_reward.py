"""evalkit's graders as a reward function of TRL 1.16: an object that can be called and pickled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.integrations.rewards import read_target, submit
from evalkit.spec import GRADERS
from evalkit.types import UsageError, unknown

Messages = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class GraderReward:
    """Scores from 0 to 1; None where the grader failed, which TRL leaves out of the group.

    `column` of the data set holds the targets as `rewards.write_target` writes them: an answer's
    text, or where a program's tests are. `thinking_opened`: the chat template ends in `<think>`.
    """

    grader: str = "math"
    column: str = "answer"
    thinking_opened: bool = False

    def __post_init__(self) -> None:
        if self.grader not in GRADERS:
            raise unknown("grader", self.grader, list(GRADERS))

    @property
    def __name__(self) -> str:
        """What TRL calls the metric of these rewards."""
        return self.grader

    def __call__(
        self,
        *,
        completions: Sequence[str | Messages],
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One score for each completion; logs `reward/grader_error_ratio`."""
        if self.column not in columns:
            raise UsageError(f"no column {self.column!r} for rewards; known: {', '.join(columns)}")
        futures = [
            submit(
                self.grader,
                read_target(self.grader, target),
                completion if isinstance(completion, str) else completion[-1]["content"],
                thinking_opened=self.thinking_opened,
            )
            for completion, target in zip(completions, columns[self.column], strict=True)
        ]
        scores = [future.result().score for future in futures]
        if log_metric:
            log_metric("reward/grader_error_ratio", scores.count(None) / max(len(scores), 1))
        return scores
