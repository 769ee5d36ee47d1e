"""evalkit's graders as a reward function of slime: `--custom-rm-path evalkit.integrations.slime.reward`.

With `--group-rm` the same function takes the samples of a group. Settings other than the defaults
are those of a `RewardFunction` in a module of the user's own. Does not import slime. Its
`--rm-type remote_rm` needs nothing of this: `evalkit serve` answers at `/slime`.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from evalkit.completions import strip_special_tokens
from evalkit.integrations.labels import read_label
from evalkit.integrations.rewards import check_settings, score_of, submit
from evalkit.types import Prompt

Reward = float | dict[str, Any]


@dataclass(frozen=True, slots=True)
class RewardFunction:
    """Called as slime calls it. The sample's `label` says what its response is compared with.

    `grader` is that of labels which name none. `url`: the reward server that grades, or several by
    commas; without one the grading is done in process. `thinking_opened` is for prompts that are
    messages: the chat template ends inside `<think>`.

    Where the grader failed the reward is `fallback`, which is logged, and the sample is marked as
    one to leave out of the loss (`remove_sample`); with None slime gets GraderFailedError and stops.
    With `--reward-key score` the reward is an object that also has `verdict` and `grader_error`.
    """

    grader: str | None = None
    url: str = ""
    thinking_opened: bool = False
    fallback: float | None = 0.0

    def __post_init__(self) -> None:
        check_settings(self.grader, self.url)

    async def __call__(self, args: Any, sample: Any, **_: Any) -> Reward | list[Reward]:
        """`sample` is a list of samples with `--group-rm`.

        Raises RewardServerError where no server gave a grade: slime stops.
        """
        if isinstance(sample, list):
            return list(await asyncio.gather(*(self._reward(args, one) for one in sample)))
        return await self._reward(args, sample)

    async def _reward(self, args: Any, sample: Any) -> Reward:
        future = submit(
            read_label(sample.label, grader=self.grader),
            strip_special_tokens(sample.response),
            thinking_opened=self._opens_thinking(sample.prompt),
            finish_reason="length" if sample.status.value == "truncated" else "stop",
            url=self.url,
        )
        grade = await asyncio.wrap_future(future)
        score = score_of(grade, self.fallback, f"sample {sample.index}")
        is_error = grade.score is None
        sample.remove_sample = sample.remove_sample or is_error
        if not args.reward_key:
            return score
        return {"score": score, "verdict": grade.verdict.value, "grader_error": float(is_error)}

    def _opens_thinking(self, prompt: Any) -> bool:
        return (
            Prompt((), prompt).opens_thinking if isinstance(prompt, str) else self.thinking_opened
        )


reward = RewardFunction()
