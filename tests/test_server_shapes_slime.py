"""`/slime` as slime's `remote_rm` calls it: the body of the answer is the reward."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from serving import serving

OPENED = "<|im_start|>user\n1 + 1?<|im_end|>\n<|im_start|>assistant\n<think>\n"
MESSAGES = [{"role": "user", "content": "1 + 1?"}]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Of a server for templates that open thinking; problem 1 of its task has the answer 66."""
    with (
        serving("--tasks", "demo", "--thinking-opened") as server,
        httpx.Client(base_url=server.url) as client,
    ):
        yield client


def sample(response: str, label: Any, prompt: Any = "1 + 1?") -> dict[str, Any]:
    return {"prompt": prompt, "response": response, "label": label}


@pytest.mark.parametrize(
    ("response", "reward", "verdict"),
    [
        (r"\boxed{2}", 1.0, "correct"),
        ("No idea.", 0.0, "wrong"),
        ("2</s>", 1.0, "correct"),
        ("</s>", 0.0, "no_answer"),
    ],
)
def test_the_body_is_the_reward(
    client: httpx.Client, response: str, reward: float, verdict: str
) -> None:
    """A JSON number, said to be JSON, which aiohttp insists on; a header has the verdict."""
    answer = client.post("/slime", json=sample(response, "2"))

    assert answer.json() == reward
    assert isinstance(answer.json(), float)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Evalkit-Verdict"] == verdict


@pytest.mark.parametrize("response", [r"\boxed{2}", r"\boxed{3}", "", "<|im_end|>"])
def test_the_object_has_the_same_keys_for_all(client: httpx.Client, response: str) -> None:
    """For `--reward-key score`."""
    found = client.post("/slime?format=object", json=sample(response, "2")).json()

    assert found.keys() == {"score", "verdict", "grader_error", "detail"}
    assert found["score"] == float(found["verdict"] == "correct")
    assert found["grader_error"] == 0.0


@pytest.mark.parametrize(
    ("prompt", "response", "reward"),
    [
        (OPENED, r"\boxed{2}", 0.0),
        (OPENED, r"\boxed{3}</think>\boxed{2}<|im_end|>", 1.0),
        ("1 + 1?", r"\boxed{2}", 1.0),
        (MESSAGES, r"\boxed{2}", 0.0),
        (MESSAGES, r"</think>\boxed{2}", 1.0),
    ],
)
def test_a_rendered_prompt_tells_whether_it_opened_thinking(
    client: httpx.Client, prompt: Any, response: str, reward: float
) -> None:
    """Messages do not: what the server was started with holds for them."""
    assert client.post("/slime", json=sample(response, "2", prompt)).json() == reward


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/slime/demo", "66"),
        ("/slime/demo", '{"problem_id": "1"}'),
        ("/slime", '{"task": "demo", "problem_id": "1"}'),
        ("/slime", {"task": "demo", "problem_id": "1"}),
        ("/slime", 66),
    ],
)
def test_the_task_comes_from_the_path_or_the_label(
    client: httpx.Client, path: str, label: Any
) -> None:
    """As for OpenRLHF."""
    assert client.post(path, json=sample(r"\boxed{66}", label)).json() == 1.0


@pytest.mark.parametrize(
    ("path", "content", "status", "message", "where"),
    [
        ("/slime", sample("a", None), 422, "nothing to compare with", "label"),
        ("/slime", sample("a", ""), 422, "nothing to compare with", "label"),
        ("/slime", sample("a", ["2"]), 422, "", "label"),
        ("/slime/aime24", sample("a", "2"), 404, "it has: demo", "path"),
        ("/slime/..%2fdemo", sample("a", "2"), 404, "Not Found", ""),
        ("/slime", sample("a", "2", prompt=7), 422, "", "prompt"),
        ("/slime", {"prompt": "a", "label": "2"}, 422, "Field required", "response"),
        ("/slime", sample("a", "2") | {"metadata": {}}, 422, "Extra inputs", "metadata"),
        ("/slime?format=xml", sample("a", "2"), 422, "'number' or 'object'", "query.format"),
    ],
)
def test_what_can_never_be_graded_is_refused(
    client: httpx.Client, path: str, content: Any, status: int, message: str, where: str
) -> None:
    """With the reason and the place; everything else is answered by 200."""
    answer = client.post(path, json=content)

    assert answer.status_code == status
    assert message in answer.json()["error"]
    assert answer.json()["where"].startswith(where)
