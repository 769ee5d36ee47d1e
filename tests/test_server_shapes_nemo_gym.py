"""`/verify` and its siblings as NeMo Gym 0.5 calls them."""

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from serving import serving

ROW = {
    "responses_create_params": {"input": [{"role": "user", "content": "1 + 1?"}]},
    "question": "1 + 1?",
    "expected_answer": "2",
    "_ng_task_index": 3,
    "agent_ref": {"name": "simple_agent"},
    "weight": 1,
    "note": None,
}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Of a server for policies whose templates open thinking."""
    with serving("--thinking-opened") as server, httpx.Client(base_url=server.url) as client:
        yield client


def text(*parts: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": part, "annotations": []} for part in parts]
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": content,
    }


def reasoning(*parts: str) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": part} for part in parts]
    return {"id": "r1", "type": "reasoning", "summary": summary, "encrypted_content": None}


CALL = {"id": "c", "type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}
REFUSAL = {**text(), "content": [{"type": "refusal", "refusal": "No."}]}
QUESTION = {**text(), "content": [{"type": "input_text", "text": r"\boxed{2}"}]}
IMAGE = {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": ""}]}


def response(*output: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "r1",
        "created_at": 1761955953.0,
        "model": "policy",
        "object": "response",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "output": list(output),
        "usage": {"input_tokens": 84, "output_tokens_details": {"reasoning_tokens": 7}},
    }


def request(*output: dict[str, Any], **columns: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ROW), **columns, "response": response(*output)}


def verified(client: httpx.Client, content: dict[str, Any]) -> Any:
    answer = client.post("/verify", json=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_reply_echoes_the_request(client: httpx.Client) -> None:
    """All columns and the whole response, with the fields of math_with_judge."""
    content = request(reasoning("thinking"), text(r"So \boxed{2}"))
    found = verified(client, content)

    added = {"reward", "extracted_answer", "library_reward", "judge_evaluations"}
    assert {name: found[name] for name in content} == content
    assert found.keys() - content.keys() == added
    assert (found["reward"], found["library_reward"]) == (1.0, 1.0)
    assert found["extracted_answer"] == "2"
    assert found["judge_evaluations"] is None


@pytest.mark.parametrize(
    ("output", "reward"),
    [
        ([reasoning(), text(r"\boxed{", "2}")], 1.0),
        ([reasoning(), text(r"\boxed{"), CALL, text("2}")], 1.0),
        ([reasoning(r"\boxed{2}")], 0.0),
        ([reasoning(r"\boxed{3}"), text(r"\boxed{2}")], 1.0),
        ([text(r"\boxed{3}</think>\boxed{2}")], 1.0),
        ([text(r"a</think>\boxed{3}</think>\boxed{2}")], 1.0),
        ([text(r"\boxed{2}")], 0.0),
        ([reasoning(), IMAGE, text(r"\boxed{2}")], 1.0),
        ([reasoning(), QUESTION], 0.0),
        ([reasoning(), text(r"\boxed{2}") | {"type": "draft"}], 0.0),
        ([reasoning(), REFUSAL], 0.0),
        ([reasoning(), text("")], 0.0),
        ([text()], 0.0),
        ([CALL], 0.0),
        ([], 0.0),
    ],
)
def test_the_text_is_that_of_all_messages(
    client: httpx.Client, output: list[dict[str, Any]], reward: float
) -> None:
    """Reasoning is none of it, and where there is some the text holds no thinking. No text is a 0."""
    found = verified(client, request(*output))

    assert found["reward"] == reward
    assert "_ng_failure_class" not in found


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"response": None}, "response"),
        ({"response": {"id": "r"}}, "response.output"),
        ({"response": {"output": [{"content": []}]}}, "response.output[0].type"),
        ({"response": {"output": [{"type": "message", "content": [{}]}]}}, "response.output[0]"),
        ({"responses_create_params": "1 + 1?"}, "responses_create_params"),
        ({"expected_answer": 2}, "expected_answer"),
        ({"expected_answer": None}, ""),
        ({"expected_answer": " "}, "expected_answer"),
        ({"verifier_metadata": {"unit_tests": {"inputs": [], "outputs": []}}}, ""),
        ({"verifier_metadata": {"unit_tests": {"inputs": ["1"]}}}, "verifier_metadata.unit_tests"),
    ],
)
def test_rows_that_cannot_be_verified_are_refused(
    client: httpx.Client, change: dict[str, Any], where: str
) -> None:
    """An answer or tests, one of them, and a response with typed items."""
    answer = client.post("/verify", json=request(text("2")) | change)

    assert answer.status_code == 422
    assert answer.json()["where"].startswith(where)


@pytest.mark.parametrize(
    ("outputs", "message"), [([], "2 inputs, but 0"), (["1"], "2 inputs, but 1")]
)
def test_tests_need_an_output_for_each_input(
    client: httpx.Client, outputs: list[str], message: str
) -> None:
    """The place is that of the tests."""
    metadata = {"unit_tests": {"inputs": ["1", "2"], "outputs": outputs, "fn_name": None}}
    content = request(text("a"), expected_answer=None, verifier_metadata=metadata)
    answer = client.post("/verify", json=content)

    assert answer.status_code == 422
    assert message in answer.json()["error"]
    assert answer.json()["where"] == "verifier_metadata.unit_tests"


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_row_with_what_is_no_json_is_refused(client: httpx.Client, number: str) -> None:
    """It could not be echoed."""
    content = httpx.Request("POST", "http://a", json=request(text("a"))).content
    content = content.replace(b'"weight":1', f'"weight":{number}'.encode())
    answer = client.post("/verify", content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 422)


def test_a_row_that_failed_before_is_a_row(client: httpx.Client) -> None:
    """What was said of it then does not come back."""
    failed = {"_ng_failure_class": "judge_failed", "_ng_failure_judge_error": "late"}
    found = verified(client, request(reasoning(), text(r"\boxed{2}"), reward=0.0, **failed))

    assert found["reward"] == 1.0
    assert not found.keys() & failed.keys()


def test_paths_may_name_the_rollout(client: httpx.Client) -> None:
    """As with Gym's observability on."""
    content = request(reasoning(), text(r"\boxed{2}"))

    assert client.post("/ng-rollout/3-0/verify", json=content).json()["reward"] == 1.0
    assert client.post("/ng-rollout/3-0/seed_session", json=ROW).json() == {}


def test_sessions_and_modes_are_those_of_a_stateless_server(client: httpx.Client) -> None:
    """A row is taken before its response is generated, and stored responses may be graded again."""
    assert client.post("/seed_session", json=ROW).json() == {}
    assert client.post("/seed_session", json=[]).status_code == 422
    assert client.get("/reverify_mode").json() == "stateless"


def rollout(task: int, reward: float, **fields: Any) -> dict[str, Any]:
    return {"_ng_task_index": task, "_ng_rollout_index": 0, "reward": reward, **fields}


def aggregated(client: httpx.Client, *rows: dict[str, Any]) -> Any:
    answer = client.post("/aggregate_metrics", json={"verify_responses": rows})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_metrics_are_of_tasks_and_of_all(client: httpx.Client) -> None:
    """Means by hand: task 4 has 1 and 0, task 7 has 0 and 0."""
    usage = {"usage": {"output_tokens": 10, "details": {"a": 1}}}
    found = aggregated(
        client,
        rollout(7, 0.0),
        rollout(4, 1.0, response=usage, extracted_answer="2"),
        rollout(4, 0.0, is_long=True),
        rollout(7, 0.0),
    )

    assert [group["_ng_task_index"] for group in found["group_level_metrics"]] == [4, 7]
    assert [group["mean/reward"] for group in found["group_level_metrics"]] == [0.5, 0.0]
    assert [group["num_rollouts"] for group in found["group_level_metrics"]] == [2, 2]
    agent = found["agent_metrics"]
    assert {name: agent[f"{name}/reward"] for name in ("mean", "max", "min", "median", "std")} == {
        "mean": 0.25,
        "max": 1.0,
        "min": 0.0,
        "median": 0.0,
        "std": pytest.approx(0.5),
    }
    assert (agent["mean/output_tokens"], agent["std/output_tokens"]) == (10.0, 0.0)
    assert found["key_metrics"] == {
        "mean/reward": 0.25,
        "mean/output_tokens": 10.0,
        "mean/is_long": 1.0,
        "pass@1[avg-of-2]/accuracy": 25.0,
        "pass@2/accuracy": 50.0,
    }


def test_failures_of_the_grader_are_in_no_metric(client: httpx.Client) -> None:
    """Nor do they count as rollouts; without any row there is nothing to say."""
    failed = rollout(4, 0.0, _ng_failure_class="judge_failed")

    assert aggregated(client, rollout(4, 1.0), failed)["key_metrics"] == {
        "mean/reward": 1.0,
        "pass@1[avg-of-1]/accuracy": 100.0,
        "pass@1/accuracy": 100.0,
    }
    nothing = {"group_level_metrics": [], "agent_metrics": {}, "key_metrics": {}}
    assert aggregated(client) == aggregated(client, failed) == nothing


def test_numbers_without_bounds_are_in_no_metric(client: httpx.Client) -> None:
    """Their mean would be no number in JSON."""
    rows = [rollout(0, 1.0, size=1e308), rollout(0, 1.0, size=1e308)]

    assert "mean/size" not in aggregated(client, *rows)["agent_metrics"]


@pytest.mark.parametrize(
    "row",
    [
        {"reward": "1"},
        {},
        {"reward": 1e308},
        {"reward": 1.0, "_ng_task_index": []},
        {"reward": None},
    ],
)
def test_metrics_need_rewards(client: httpx.Client, row: dict[str, Any]) -> None:
    """And an index that is a number."""
    answer = client.post("/aggregate_metrics", json={"verify_responses": [row]})

    assert answer.status_code == 422
    assert answer.json()["where"].startswith("verify_responses[0]")
