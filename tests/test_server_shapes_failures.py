"""What trainers are told when the grader fails: each contract's way of saying so, never a bare 0."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from serving import serving

SLOW = r"\boxed{\int_0^1 \frac{\ln x}{x-1} dx}"
FALLBACK = 0.25


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Of a server that gives up before its grader has an answer, and has room for one item."""
    limits = ("--deadline-s", "0.3", "--max-waiting", "1", "--when-full", "refuse")
    options = (*limits, "--fallback", str(FALLBACK))
    with serving(*options) as server, httpx.Client(base_url=server.url) as client:
        yield client


def label(number: int) -> str:
    """To compare it with the answer takes more than a second."""
    return rf"\sum_{{k=1}}^{{10000}} \frac{{{number}}}{{k^2}}"


def row(number: int) -> dict[str, Any]:
    part = {"type": "output_text", "text": SLOW}
    return {
        "responses_create_params": {"input": "1 + 1?"},
        "response": {"output": [{"type": "message", "content": [part]}]},
        "expected_answer": label(number),
    }


def num_fallbacks(client: httpx.Client, endpoint: str) -> float:
    start = f'evalkit_fallback_rewards_total{{endpoint="{endpoint}"}} '
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))


def test_openrlhf_gets_the_fallback_and_a_log(client: httpx.Client) -> None:
    """The keys of the log are those of every other reply."""
    request = {"query": [SLOW], "prompts": [""], "labels": [label(1)]}
    found = client.post("/get_reward", json=request).json()
    empty = client.post("/get_reward", json={"query": [], "prompts": [], "labels": []}).json()

    assert found["rewards"] == found["scores"] == [FALLBACK]
    logs = found["extra_logs"]
    assert logs == {name: [float(name == "grader_error")] for name in empty["extra_logs"]}
    assert num_fallbacks(client, "/get_reward") == 1


def test_slime_gets_the_fallback_and_a_header(client: httpx.Client) -> None:
    """A number cannot say more; the object can."""
    request = {"prompt": "", "response": SLOW, "label": label(1)}
    number = client.post("/slime", json=request)
    found = client.post("/slime?format=object", json=request).json()

    assert (number.status_code, number.json()) == (200, FALLBACK)
    assert number.headers["Evalkit-Verdict"] == found["verdict"] == "grader_error"
    assert (found["score"], found["grader_error"]) == (FALLBACK, 1.0)
    assert "no verdict within 0.3 s" in found["detail"]
    assert num_fallbacks(client, "/slime") == 2


def test_nemo_gym_gets_a_marked_row(client: httpx.Client) -> None:
    """Gym writes it to its file of failures; otherwise it has the fields of every other reply."""
    answer = client.post("/verify", json=row(2))

    assert answer.status_code == 200
    assert answer.json() == {
        **row(2),
        "reward": FALLBACK,
        "extracted_answer": None,
        "library_reward": FALLBACK,
        "judge_evaluations": None,
        "_ng_failure_class": "judge_failed",
        "_ng_failure_judge_error": "no verdict within 0.3 s",
    }
    assert num_fallbacks(client, "/verify") == 1


def test_nemo_gym_gets_a_marked_row_from_a_full_server(client: httpx.Client) -> None:
    """Gym does not try again what is refused; others do."""
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: client.post("/verify", json=row(2)), "ab"))

    assert [answer.status_code for answer in answers] == [200, 200]
    found = [answer.json() for answer in answers]
    assert [one["_ng_failure_class"] for one in found] == ["judge_failed"] * 2
    reasons = sorted(one["_ng_failure_judge_error"] for one in found)
    assert reasons[0] == "no verdict within 0.3 s"
    assert "full" in reasons[1]
