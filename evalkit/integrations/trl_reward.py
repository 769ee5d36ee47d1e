"""evalkit's graders as reward functions of TRL 1.16: objects that can be called and pickled."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from evalkit.integrations.labels import read_label
from evalkit.integrations.messages import Completion, text_of
from evalkit.integrations.rewards import check_settings, submit
from evalkit.types import Grade, UsageError

LogMetric = Callable[[str, float], None]


@dataclass(frozen=True)
class _Reward:
    grader: str = "math"
    column: str = "answer"
    thinking_opened: bool = False
    url: str = ""

    def __post_init__(self) -> None:
        check_settings(self.grader, self.url)

    @property
    def __name__(self) -> str:
        """What TRL calls the metric of these rewards."""
        return self.grader

    def _submitted(
        self, completions: Sequence[Completion], columns: dict[str, Any]
    ) -> "list[Future[Grade] | None]":
        if self.column not in columns:
            raise UsageError(f"no column {self.column!r} for rewards; known: {', '.join(columns)}")
        return [
            None if label is None or label == "" else self._submit(completion, label)
            for completion, label in zip(completions, columns[self.column], strict=True)
        ]

    def _submit(self, completion: Completion, label: Any) -> "Future[Grade]":
        return submit(
            read_label(label, grader=self.grader),
            text_of(completion),
            thinking_opened=self.thinking_opened,
            url=self.url,
        )


class GraderReward(_Reward):
    """Scores from 0 to 1; None where the grader failed or the row has no target.

    TRL leaves a completion with None out of its group. `column` of the data set holds the targets
    as `labels.write_target` writes them: an answer's text, or tests. `thinking_opened`: the chat
    template ends in `<think>`. `url`: the reward server that grades, or several by commas; without
    one the grading is done in process.
    """

    def __call__(
        self,
        *,
        completions: Sequence[Completion],
        log_metric: LogMetric | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One score for each completion; logs `reward/grader_error_ratio`."""
        futures = self._submitted(completions, columns)
        return _scores([one.result() if one else None for one in futures], log_metric)


class AsyncGraderReward(_Reward):
    """As GraderReward; TRL awaits it together with other functions that are async."""

    async def __call__(
        self,
        *,
        completions: Sequence[Completion],
        log_metric: LogMetric | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One score for each completion; logs `reward/grader_error_ratio`."""
        futures = self._submitted(completions, columns)
        return _scores([await _awaited(one) for one in futures], log_metric)


async def _awaited(future: "Future[Grade] | None") -> Grade | None:
    if future is None:
        return None
    grade: Grade = await asyncio.wrap_future(future)
    return grade


def _scores(grades: Sequence[Grade | None], log_metric: LogMetric | None) -> list[float | None]:
    """The share of grader errors is that among the completions that have a target."""
    graded = [grade.score for grade in grades if grade is not None]
    if log_metric:
        log_metric("reward/grader_error_ratio", graded.count(None) / max(len(graded), 1))
    return [None if grade is None else grade.score for grade in grades]
