"""`/get_reward` as OpenRLHF 0.11 calls it, with bodies as its `_fetch_rewards_via_http` has them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from serving import serving

from evalkit.types import Verdict

PROMPT = "<|im_start|>user\nWhat is 1 + 1?<|im_end|>\n<|im_start|>assistant\n"
KEYS = {f"verdict_{one}" for one in Verdict if one is not Verdict.GRADER_ERROR} | {"grader_error"}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Of a server with one task, whose problem 1 has the answer 66, for two samples at a time."""
    options = ("--tasks", "demo", "--max-batch", "2")
    with serving(*options) as server, httpx.Client(base_url=server.url) as client:
        yield client


def body(*samples: tuple[str, str, Any]) -> dict[str, Any]:
    queries, prompts, labels = zip(*samples, strict=True) if samples else ((), (), ())
    return {"query": list(queries), "prompts": list(prompts), "labels": list(labels)}


def rewards(client: httpx.Client, *samples: tuple[str, str, Any], path: str = "") -> Any:
    answer = client.post(f"/get_reward{path}", json=body(*samples))
    assert answer.status_code == 200, answer.text
    return answer.json()["rewards"]


def test_the_reply_has_the_keys_of_the_contract(client: httpx.Client) -> None:
    """Rewards are numbers, and every value of the logs is a list with a number for each sample."""
    found = client.post(
        "/get_reward",
        json=body((PROMPT + r"\boxed{2}<|im_end|>", PROMPT, "2"), (PROMPT + "No.", PROMPT, "2")),
    ).json()

    assert found.keys() == {"rewards", "scores", "extra_logs"}
    assert found["rewards"] == found["scores"] == [1.0, 0.0]
    assert found["extra_logs"].keys() == KEYS
    assert found["extra_logs"]["verdict_correct"] == [1.0, 0.0]
    assert found["extra_logs"]["grader_error"] == [0.0, 0.0]
    assert all(len(values) == 2 for values in found["extra_logs"].values())


def test_empty_lists_for_a_task_that_is_not_there_are_refused(client: httpx.Client) -> None:
    """The address is wrong, and the first sample would find out."""
    assert client.post("/get_reward/aime24", json=body()).status_code == 404


def test_many_requests_at_once_get_their_own_rewards(client: httpx.Client) -> None:
    """In the order of their samples."""

    def found(number: int) -> Any:
        right, wrong = (rf"\boxed{{{value}+x}}" for value in (number, number + 1))
        return rewards(client, (right, "", f"x+{number}"), (wrong, "", f"x+{number}"))

    with ThreadPoolExecutor(64) as threads:
        assert list(threads.map(found, range(64))) == [[1.0, 0.0]] * 64


def test_empty_lists_are_answered_by_empty_lists(client: httpx.Client) -> None:
    """Older versions send them to every server but the first; the keys stay."""
    found = client.post("/get_reward", json=body()).json()

    assert found["rewards"] == found["scores"] == []
    assert found["extra_logs"] == {key: [] for key in KEYS}


@pytest.mark.parametrize(
    ("query", "prompt"),
    [
        (PROMPT + r"It is \boxed{2}.", PROMPT),
        ("<s>" + PROMPT + r"It is \boxed{2}.<|im_end|><|endoftext|>", PROMPT),
        (r"a cut question?<|im_end|>" + "\n<|im_start|>assistant\n" + r"\boxed{2}</s>", PROMPT),
        (r"\boxed{7} plus one? \boxed{2}", r"\boxed{7} plus one?"),
    ],
)
def test_a_query_grades_as_its_bare_response(client: httpx.Client, query: str, prompt: str) -> None:
    """Special tokens, a prompt that OpenRLHF cut at the front, and a box in the prompt."""
    assert rewards(client, (query, prompt, "2")) == [1.0]


def test_a_response_of_special_tokens_is_none(client: httpx.Client) -> None:
    """And not an answer that is wrong."""
    content = body((PROMPT + "<|im_end|><|endoftext|>", PROMPT, "2"))
    logs = client.post("/get_reward", json=content).json()["extra_logs"]

    assert logs["verdict_no_answer"] == [1.0]


@pytest.mark.parametrize(
    ("response", "opened", "expected"),
    [
        (r"\boxed{1}</think>\boxed{2}", True, 1.0),
        (r"\boxed{2} and so on", True, 0.0),
        (r"\boxed{2}", False, 1.0),
        (r"<think>\boxed{2}", False, 0.0),
        (r"a</think>\boxed{1}</think>\boxed{2}", True, 1.0),
        ("2<|im_end|><|endoftext|>", False, 1.0),
        ("", False, 0.0),
    ],
)
def test_thinking_that_the_prompt_opened_counts(
    client: httpx.Client, response: str, opened: bool, expected: float
) -> None:
    """What stands before the last mark is no answer, nor what never got to it."""
    prompt = PROMPT + ("<think>\n" if opened else "")

    assert rewards(client, (prompt + response, prompt, "2")) == [expected]


@pytest.mark.parametrize(
    "label",
    [
        "1/2",
        0.5,
        '{"answer": "0.5"}',
        '{"grader": "math", "answer": "1/2"}',
        {"grader": "math", "answer": "0.5"},
        '{"answer": "0.4", "rel_tolerance": 0.5}',
    ],
)
def test_a_label_is_an_answer_or_says_where_it_is(client: httpx.Client, label: Any) -> None:
    """As text, as a number, and as an object, which a column of data may hold as such."""
    assert rewards(client, (r"\boxed{0.5}", "", label)) == [1.0]


@pytest.mark.parametrize("label", ["{1,2}", "{}", "[1,2]", "{x=1}"])
def test_text_that_is_no_object_with_keys_is_an_answer(client: httpx.Client, label: str) -> None:
    """Also what looks like one at first."""
    assert rewards(client, (rf"\boxed{{{label}}}", "", label)) == [1.0]


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("", '{"task": "demo", "problem_id": "1"}'),
        ("", '{"task": "demo", "problem_id": "1", "store": "/etc/passwd", "sha256": "ab"}'),
        ("/demo", '{"problem_id": "1"}'),
        ("/demo", '{"task": "demo", "answer": "66"}'),
        ("/demo", "66"),
        ("/demo", {"task": None, "answer": "66"}),
    ],
)
def test_the_task_comes_from_the_path_or_the_label(
    client: httpx.Client, path: str, label: Any
) -> None:
    """With a problem of the task, or with an answer to compare as the task does.

    What evalkit writes into a trainer's data names a store, which the server does not look at.
    """
    assert rewards(client, (r"\boxed{66}", "", label), path=path) == [1.0]


@pytest.mark.parametrize(
    ("path", "label", "status", "message", "where"),
    [
        ("", '{"task": "aime24", "answer": "66"}', 404, "no task 'aime24'; it has: demo", "task"),
        ("", '{"task": "../demo", "answer": "66"}', 404, "no task '../demo'", "task"),
        ("/aime24", "2", 404, "no task 'aime24'; it has: demo", "path"),
        ("/..%2F..%2Fetc%2Fpasswd", "2", 404, "Not Found", ""),
        ("/%2e%2e", "2", 404, "no task '..'; it has: demo", "path"),
        ("/..%5cdemo", "2", 404, r"no task '..\\demo'", "path"),
        ("/demo.yaml", "2", 404, "no task 'demo.yaml'", "path"),
        ("/demo", '{"task": "math500", "answer": "66"}', 422, "the path names task 'demo'", ""),
        ("/demo", '{"problem_id": "x"}', 404, "no problem of demo 'x'; it has: 0, 1, 2, ", "id"),
        ("", '{"problem_id": "1"}', 422, "needs the task that it belongs to", ""),
        ("/demo", '{"grader": "code", "answer": "66"}', 404, "no grader 'code'", "grader"),
        ("/demo", {}, 422, "either problem_id or target is needed", ""),
        ("/demo", '{"grader": "math"}', 422, "either problem_id or target is needed", ""),
        ("/demo", '{"answr": "2"}', 422, "", "target.answ"),
        ("/demo", '{"answer": 2}', 422, "valid string", "target.answer"),
        ("/demo", '{"answer": "66", "problem_id": "1"}', 422, "and not both", ""),
        ("/demo", "", 422, "nothing to compare with", ""),
        ("/demo", " \n", 422, "nothing to compare with", ""),
        ("/demo", '{"answer": " "}', 422, "nothing to compare with", "answer"),
        ("/demo", '{"answer": "66', 422, "begins as a JSON object and is none", ""),
        ("/demo", '{"answer": NaN}', 422, "not JSON", ""),
    ],
)
def test_what_cannot_be_graded_is_refused(
    client: httpx.Client, path: str, label: Any, status: int, message: str, where: str
) -> None:
    """The answer says what is wrong with which label, and what there is instead."""
    answer = client.post(f"/get_reward{path}", json=body((r"\boxed{66}", "", label)))

    assert answer.status_code == status
    found = answer.json()
    assert message in found["error"]
    assert where in found["where"]
    assert status == 404 or found["where"].startswith("labels[0]")


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"query": ["a"], "prompts": ["a"]}, "labels"),
        ({"queries": ["a"], "prompts": ["a"], "labels": ["1"]}, "query"),
        ({"query": "a", "prompts": ["a"], "labels": ["1"]}, "query"),
        ({"query": [1], "prompts": ["a"], "labels": ["1"]}, "query[0]"),
        ({"query": ["a"], "prompts": [None], "labels": ["1"]}, "prompts[0]"),
        ({"query": ["a"], "prompts": ["a"], "labels": [None]}, "labels[0]"),
        ({"query": ["a"], "prompts": ["a"], "labels": [True]}, "labels[0]"),
        ({"query": ["a", "b"], "prompts": ["a"], "labels": ["1", "2"]}, "prompts"),
        ({"query": ["a"], "prompts": ["a"], "labels": ["1", "2"]}, "labels"),
        ({"query": [], "prompts": [], "labels": ["1"]}, "labels"),
        ([], ""),
    ],
)
def test_a_body_of_another_shape_is_refused(client: httpx.Client, content: Any, where: str) -> None:
    """With the place of the first field that is wrong."""
    answer = client.post("/get_reward", json=content)

    assert answer.status_code == 422
    assert answer.json()["where"].startswith(where)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_labels_are_finite(client: httpx.Client, number: str) -> None:
    """Also inside of an object."""
    for label in (number, f'{{"answer": "1", "rel_tolerance": {number}}}'):
        text = f'{{"query": ["a"], "prompts": [""], "labels": [{label}]}}'
        headers = {"Content-Type": "application/json"}
        answer = client.post("/get_reward", content=text, headers=headers)

        assert answer.status_code in (400, 422), answer.text


def test_a_batch_above_the_servers_limit_is_refused(client: httpx.Client) -> None:
    """As at evalkit's own endpoint."""
    answer = client.post("/get_reward", json=body(*[("a", "", "1")] * 3))

    assert (answer.status_code, answer.json()["where"]) == (413, "query")
