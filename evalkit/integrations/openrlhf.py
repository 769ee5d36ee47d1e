"""evalkit's graders as the `reward_func` of OpenRLHF: `--reward.remote_url FILE.py`.

The file has one line, `from evalkit.integrations.openrlhf import reward_func`, or makes a
`RewardFunction` of its own under that name. Does not import OpenRLHF. Its other form, the URL of a
server, needs nothing of this: `evalkit serve` answers at `/get_reward`.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from evalkit.completions import strip_prompt, strip_special_tokens
from evalkit.integrations.labels import read_label
from evalkit.integrations.rewards import check_settings, submit
from evalkit.types import EvalkitError, Grade

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RewardFunction:
    """Called as OpenRLHF calls it, from any thread.

    `grader` is that of labels which name none. `url`: the reward server that grades, or several by
    commas; without one the grading is done in process. OpenRLHF takes numbers only, and makes
    of an exception a sample without a reward, which breaks the batch: whatever fails is logged,
    has the reward `fallback`, and 1 under `grader_error`.
    """

    grader: str | None = None
    url: str = ""
    fallback: float = 0.0

    def __post_init__(self) -> None:
        check_settings(self.grader, self.url)

    def __call__(
        self, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]
    ) -> dict[str, Any]:
        """`queries` are prompts with their responses, decoded with all special tokens."""
        samples = zip(queries, prompts, labels, strict=True)
        pending = [self._submitted(*sample) for sample in samples]
        scores = [self._score(one) for one in pending]
        rewards = [self.fallback if score is None else score for score in scores]
        errors = [float(score is None) for score in scores]
        return {"rewards": rewards, "scores": rewards, "extra_logs": {"grader_error": errors}}

    def _submitted(self, query: str, prompt: str, label: Any) -> "Future[Grade] | EvalkitError":
        completion, thinking_opened = strip_prompt(query, prompt)
        try:
            return submit(
                read_label(label, grader=self.grader),
                strip_special_tokens(completion),
                thinking_opened=thinking_opened,
                url=self.url,
            )
        except EvalkitError as error:
            return error

    def _score(self, pending: "Future[Grade] | EvalkitError") -> float | None:
        error: object = pending
        if isinstance(pending, Future):
            try:
                grade = pending.result()
            except EvalkitError as failure:
                error = failure
            else:
                if grade.score is not None:
                    return grade.score
                error = grade.detail
        _logger.error("no grade: %s; the reward is the fallback %s", error, self.fallback)
        return None


reward_func = RewardFunction()
