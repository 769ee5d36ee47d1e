"""The `reward_func` of OpenRLHF: decoded sequences in, nothing but numbers out."""

from collections.abc import Iterator
from typing import Any

import pytest
from reward_clients import PROMPT

from evalkit.integrations import openrlhf, rewards


@pytest.fixture(autouse=True, scope="module")
def _graders_end() -> Iterator[None]:
    """The processes that grade stay for later completions; other tests count processes."""
    yield
    rewards.close()


@pytest.mark.parametrize(
    ("query", "prompt"),
    [
        (PROMPT + "{}<|im_end|>\n", PROMPT),
        ("<s>" + PROMPT + "{}<|im_end|>", PROMPT),
        ("<s> " + PROMPT + "{}</s>", "How much?"),
        ("How much? {}<|endoftext|>", "How much?"),
        ("{}", "How much?"),
    ],
)
def test_a_query_of_openrlhf_grades_like_its_response(query: str, prompt: str) -> None:
    """What is right in the prompt is not right in an empty response."""
    prompt, query = (text.replace("How", r"Not \boxed{0.5} How") for text in (prompt, query))

    for response, score in ((r"\boxed{1/2}", 1.0), (r"\boxed{3}", 0.0), ("", 0.0)):
        assert openrlhf.reward_func([query.replace("{}", response)], [prompt], ["0.5"]) == {
            "rewards": [score],
            "scores": [score],
            "extra_logs": {"grader_error": [0.0]},
        }


def test_openrlhf_sees_that_a_prompt_ends_inside_thinking() -> None:
    """A response without tags has no answer then."""
    prompt = PROMPT + "<think>\n"
    queries = [prompt + r"\boxed{1}", prompt + r"</think>\boxed{1}"]

    assert openrlhf.reward_func(queries, [prompt] * 2, ["1"] * 2)["rewards"] == [0.0, 1.0]


def test_openrlhf_gets_lists_of_numbers_for_no_samples_too() -> None:
    assert openrlhf.reward_func([], [], []) == {
        "rewards": [],
        "scores": [],
        "extra_logs": {"grader_error": []},
    }


@pytest.mark.parametrize("label", ["", None, '{"task": "no such task", "answer": "1"}', '{"a": 1}'])
def test_openrlhf_gets_a_number_for_a_label_that_says_nothing(
    label: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It would pass over an exception; so there is a mark, and a line in the log."""
    function = openrlhf.RewardFunction(fallback=0.25)

    found = function([r"\boxed{1}", r"\boxed{1}"], ["", ""], [label, "1"])
    assert found == {
        "rewards": [0.25, 1.0],
        "scores": [0.25, 1.0],
        "extra_logs": {"grader_error": [1.0, 0.0]},
    }
    assert "the reward is the fallback 0.25" in caplog.text
