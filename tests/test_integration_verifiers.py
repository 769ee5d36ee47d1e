"""The reward function of verifiers, and the messages that it and TRL hand over."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from evalkit.integrations import rewards, verifiers
from evalkit.integrations.messages import text_of
from evalkit.types import DataError


@pytest.fixture(autouse=True, scope="module")
def _graders_end() -> Iterator[None]:
    """The processes that grade stay for later completions; other tests count processes."""
    yield
    rewards.close()


def test_verifiers_finds_its_parameters_by_name() -> None:
    """None of a group, and a name for the metric."""
    parameters = inspect.signature(verifiers.reward).parameters

    assert list(parameters) == ["completion", "answer", "state"]
    assert verifiers.reward.__name__ == "evalkit"


def test_a_failure_marks_the_state_of_verifiers() -> None:
    """The 0 that a rubric makes of an exception is not all that is left of it."""
    state: dict[str, Any] = {"error": None}
    with pytest.raises(DataError, match="the label is empty"):
        asyncio.run(verifiers.reward(r"\boxed{2}", "", state))
    assert isinstance(state["error"], DataError)

    state = {"error": None}
    assert asyncio.run(verifiers.reward(r"\boxed{2}", "2", state)) == 1.0
    assert state["error"] is None


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ("a", "a"),
        ([{"role": "assistant", "content": "a"}], "a"),
        ([{"role": "assistant", "content": "a"}, {"role": "tool", "content": "b"}], "a"),
        ([{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}], "b"),
        ([{"role": "assistant", "content": None}], ""),
        ([{"role": "assistant", "content": [{"type": "text", "text": "a"}]}], "a"),
        ([{"role": "user", "content": "a"}], ""),
        ([], ""),
        (
            [{"role": "assistant", "reasoning_content": "hm", "content": "a"}],
            "<think>\nhm\n</think>\na",
        ),
        ([{"role": "assistant", "reasoning_content": "hm", "content": ""}], "<think>\nhm"),
    ],
)
def test_what_the_assistant_said_last_is_graded(messages: Any, expected: str) -> None:
    """With the thinking that the trainer has taken out of it."""
    assert text_of(messages) == expected
