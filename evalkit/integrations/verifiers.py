"""evalkit's graders as a reward function of verifiers: `Rubric(funcs=[reward])`.

In its v1 a method with `@vf.reward` awaits `reward(trace.last_reply, answer)`. Settings other than
the defaults are those of a `RewardFunction`. Does not import verifiers.
"""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from evalkit.integrations.labels import read_label
from evalkit.integrations.messages import Completion, text_of
from evalkit.integrations.rewards import check_settings, score_of, submit
from evalkit.types import EvalkitError


@dataclass(frozen=True)
class RewardFunction:
    """Scores from 0 to 1, asked for by the names of the parameters.

    `grader` is that of answers which name none. `url`: the reward server that grades, or several by
    commas; without one the grading is done in process. `thinking_opened`: the chat template ends
    inside `<think>`.

    Where there is no score this raises. Rubrics make a 0 of that: it is a failed rollout, and not
    one of no worth, only by the `error` of its state, which is set before.
    """

    grader: str | None = None
    url: str = ""
    thinking_opened: bool = False

    def __post_init__(self) -> None:
        check_settings(self.grader, self.url)

    @property
    def __name__(self) -> str:
        """What verifiers calls the metric."""
        return "evalkit"

    async def __call__(
        self,
        completion: Completion,
        answer: Any,
        state: MutableMapping[str, Any] | None = None,
    ) -> float:
        """Raises GraderFailedError, RewardServerError, and DataError for an empty answer."""
        try:
            return await self._score(completion, answer)
        except EvalkitError as error:
            if state is not None:
                state["error"] = error
            raise

    async def _score(self, completion: Completion, answer: Any) -> float:
        future = submit(
            read_label(answer, grader=self.grader),
            text_of(completion),
            thinking_opened=self.thinking_opened,
            url=self.url,
        )
        return score_of(await asyncio.wrap_future(future), None, "a completion")


reward = RewardFunction()
