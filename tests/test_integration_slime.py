"""The reward function of slime: single samples and groups, numbers and objects."""

import asyncio
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from reward_clients import PROMPT, slime_sample
from serving import dying_graders

from evalkit.integrations import rewards, slime
from evalkit.integrations.rewards import GraderFailedError
from evalkit.types import DataError

SLOW = r"\boxed{10000000!}"
"""Math-Verify compares it for longer than its grader lives here."""


@pytest.fixture(autouse=True, scope="module")
def _graders_end() -> Iterator[None]:
    """The processes that grade stay for later completions; other tests count processes."""
    yield
    rewards.close()


def slime_reward(sample: Any, *, key: str | None = None, **settings: Any) -> Any:
    arguments = SimpleNamespace(reward_key=key)
    return asyncio.run(slime.RewardFunction(**settings)(arguments, sample))


def test_slime_gets_the_rewards_of_a_group_in_order() -> None:
    samples = [slime_sample(rf"\boxed{{{i}}}", "2") for i in range(4)]

    assert slime_reward(samples) == [0.0, 0.0, 1.0, 0.0]


def test_slime_gets_an_object_where_it_wants_one_of_its_keys() -> None:
    """The same keys for each sample."""
    right, without = slime_sample(r"\boxed{2}", "2"), slime_sample("", "2")

    assert slime_reward(right, key="score") == {
        "score": 1.0,
        "verdict": "correct",
        "grader_error": 0.0,
    }
    assert slime_reward(without, key="score") == {
        "score": 0.0,
        "verdict": "no_answer",
        "grader_error": 0.0,
    }


def test_slime_leaves_out_what_could_not_be_graded(caplog: pytest.LogCaptureFixture) -> None:
    """With a line in the log; or it stops, where no fallback is wanted."""
    sample = slime_sample(SLOW, "5")
    with dying_graders(os.getpid()):
        found = slime_reward(sample, key="score", grader="math-verify", fallback=0.25)
        with pytest.raises(GraderFailedError, match="the grader failed on sample 3"):
            slime_reward(slime_sample(SLOW, "5"), grader="math-verify", fallback=None)

    assert found == {"score": 0.25, "verdict": "grader_error", "grader_error": 1.0}
    assert sample.remove_sample
    assert "its reward is the fallback 0.25" in caplog.text


def test_what_slime_left_out_stays_out() -> None:
    sample = slime_sample(r"\boxed{2}", "2")
    sample.remove_sample = True

    assert slime_reward(sample) == 1.0
    assert sample.remove_sample


@pytest.mark.parametrize(
    ("prompt", "opened", "expected"),
    [
        (PROMPT, False, 1.0),
        (PROMPT + "<think>", False, 0.0),
        ([{"role": "user", "content": "?"}], False, 1.0),
        ([{"role": "user", "content": "?"}], True, 0.0),
    ],
)
def test_slime_knows_whether_the_prompt_ended_inside_thinking(
    prompt: Any, opened: bool, expected: float
) -> None:
    """A rendered prompt tells; for messages the user does."""
    sample = slime_sample(r"\boxed{2}", "2", prompt)

    assert slime_reward(sample, thinking_opened=opened) == expected


@pytest.mark.parametrize(("status", "expected"), [("completed", 1.0), ("truncated", 0.0)])
def test_a_truncated_sample_of_slime_has_no_last_words(status: str, expected: float) -> None:
    """The end of a text is no answer where it is not the end; as in the evaluation."""
    sample = slime_sample("The answer is: so it follows that\n\n42", "42", status=status)

    assert slime_reward(sample) == expected


def test_slime_stops_for_a_label_that_says_nothing() -> None:
    with pytest.raises(DataError, match="the label is empty"):
        slime_reward(slime_sample(r"\boxed{2}", None))
