"""Programs with their tests in trainers' own shapes, run in the real sandbox."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from serving import serving

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker

DOUBLE = "Thus:\n```python\nprint(2 * int(input()))\n```\n"
TESTS = {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "4\n"], "fn_name": None}


@pytest.fixture(scope="module")
def client(sandbox_client: "DockerClient") -> Iterator[httpx.Client]:
    with (
        serving("--graders", "code") as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        yield client


@pytest.mark.parametrize("label", [TESTS, json.dumps(TESTS), {"grader": "code", **TESTS}])
def test_a_label_can_hold_the_tests(client: httpx.Client, label: Any) -> None:
    """An object of inputs and outputs, or its text, as in columns of data."""
    query = ["Q: " + DOUBLE, "Q: " + DOUBLE.replace("2", "3")]
    request = {"query": query, "prompts": ["Q: "] * 2, "labels": [label] * 2}
    found = client.post("/get_reward", json=request).json()

    assert found["rewards"] == [1.0, 0.0]
    assert found["extra_logs"]["verdict_wrong"] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"outputs": ["2\n"]}, "labels[0].target"),
        ({"inputs": []}, "labels[0]: target.inputs"),
        ({"inputs": [1, 2]}, "labels[0]: target.inputs[0]"),
        ({"store": "/etc"}, "labels[0]"),
    ],
)
def test_tests_that_do_not_fit_are_refused(
    client: httpx.Client, change: dict[str, Any], where: str
) -> None:
    """Nor does a label name a file."""
    request = {"query": [DOUBLE], "prompts": [""], "labels": [TESTS | change]}
    answer = client.post("/get_reward", json=request)

    assert (answer.status_code, answer.json()["where"]) == (422, where)


@pytest.mark.parametrize(
    ("completion", "reward", "result", "verdict"),
    [
        (DOUBLE, 1.0, [True, True], "correct"),
        (DOUBLE.replace("2", "3"), 0.0, [-2], "wrong"),
        pytest.param(
            *("```python\nwhile True: pass\n```", 0.0, [-3], "time_limit"), marks=pytest.mark.slow
        ),
        ("```python\n1 / 0\n```", 0.0, [-4], "runtime_error"),
        ("No idea.", 0.0, None, "no_answer"),
    ],
)
def test_nemo_gym_gets_the_fields_of_code_gen(
    client: httpx.Client, completion: str, reward: float, result: Any, verdict: str
) -> None:
    """The results have LiveCodeBench's numbers."""
    found = verified(client, completion)

    assert (found["reward"], found["result"]) == (reward, result)
    assert found["metadata"]["verdict"] == verdict
    assert found["extracted_model_output"] == completion
    program = completion.removeprefix("Thus:\n").removeprefix("```python\n").rpartition("\n```")[0]
    assert found["extracted_model_code"] == (program if result else None)
    assert found["difficulty"] == "easy"
    assert found["unit_tests_time_taken"] >= 0


def test_nemo_gym_may_name_a_function(client: httpx.Client) -> None:
    """Inputs are then JSON arguments."""
    tests = {"inputs": ["3"], "outputs": ["6"], "fn_name": "double"}
    found = verified(client, "```python\ndef double(x):\n    return 2 * x\n```", tests=tests)

    assert found["result"] == [True]


@pytest.mark.parametrize(
    ("thoughts", "completion", "rate"),
    [
        ("a", DOUBLE, 0.0),
        ("<think>a</think>", DOUBLE, 0.0),
        ("<think>a</think>b</think>", DOUBLE, 1.0),
        ("a", "a</think>" + DOUBLE, 1.0),
    ],
)
def test_stray_thinking_is_told_and_not_punished(
    client: httpx.Client, thoughts: str, completion: str, rate: float
) -> None:
    """Unlike in Gym, where it makes the reward a penalty."""
    found = verified(client, completion, thoughts)

    assert (found["reward"], found["reasoning_format_violation_rate"]) == (1.0, rate)


def verified(
    client: httpx.Client, completion: str, thoughts: str = "", tests: dict[str, Any] = TESTS
) -> Any:
    reasoning = {"type": "reasoning", "summary": [{"type": "summary_text", "text": thoughts}]}
    message = {"type": "message", "content": [{"type": "output_text", "text": completion}]}
    metadata = {"unit_tests": {**tests, "source": "made up"}, "difficulty": "easy"}
    request = {
        "responses_create_params": {"input": "Double it."},
        "response": {"output": [reasoning, message]},
        "verifier_metadata": metadata,
    }
    answer = client.post("/verify", json=request)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert {name: found[name] for name in request} == request
    return found
