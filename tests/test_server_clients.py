"""The server asked by the trainers' own client code, from the packages as they are published."""

import asyncio
import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from foreign_code import foreign
from serving import Server, serving

if TYPE_CHECKING:
    from docker import DockerClient

TOKEN = "a-token"
PROMPT = "<|im_start|>user\n1 + 1?<|im_end|>\n<|im_start|>assistant\n"
CASES = {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "4"]}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--tasks", "demo", token=TOKEN) as server:
        yield server


@pytest.fixture(scope="module")
def run_code_url(sandbox_client: "DockerClient") -> Iterator[str]:
    """Of a server that runs one program at a time and refuses others, with its token in it."""
    options = ("--graders", "code", "--max-waiting", "1", "--when-full", "refuse")
    with serving(*options, token=TOKEN) as server:
        yield with_token(server.url) + "/run_code"


def with_token(url: str) -> str:
    """For clients that cannot send a header of their own."""
    return url.replace("http://", f"http://evalkit:{TOKEN}@")


# --- OpenRLHF


class Characters:
    """A tokenizer with a token for each character."""

    def __call__(self, *, text: str, add_special_tokens: bool, return_tensors: str) -> Any:
        return {"input_ids": np.array([[ord(one) for one in text]])}

    def decode(self, token_ids: list[int], *, skip_special_tokens: bool) -> str:
        return "".join(map(chr, token_ids))


class Reciter:
    """An engine that always answers the same."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def generate(self, *_: Any, **__: Any) -> Any:
        token_ids = [ord(one) for one in self._text]
        output = SimpleNamespace(token_ids=token_ids, finish_reason="stop", logprobs=None)
        return SimpleNamespace(outputs=[output])


@pytest.mark.parametrize(
    ("path", "label", "response", "reward"),
    [
        ("", "2", r"\boxed{2}<|im_end|>", 1.0),
        ("", '{"task": "demo", "problem_id": "1"}', r"\boxed{66}", 1.0),
        ("/demo", "2", r"\boxed{3}", 0.0),
    ],
)
def test_openrlhf_gets_its_reward(
    server: Server, path: str, label: str, response: str, reward: float
) -> None:
    """Its executor generates, decodes and asks; what it keeps is a list with one number each."""
    url = with_token(server.url) + "/get_reward" + path
    sampling = SimpleNamespace(max_tokens=100, logprobs=None)
    with foreign("openrlhf", "0.11.2", "openrlhf.utils.agent") as agent:
        executor = agent.SingleTurnAgentExecutor([url])
        found = asyncio.run(
            executor.execute(PROMPT, label, sampling, 1000, Characters(), Reciter(response))
        )

    assert found["reward"] == found["scores"] == [reward]
    assert found["extra_logs"]["verdict_correct"] == [reward]
    assert all(np.array(value).shape == (1,) for value in found["extra_logs"].values())


# --- verl


def verl_results(url: str, code: str, cases: dict[str, Any], **options: Any) -> list[Any]:
    with foreign("verl", "0.9.1", "verl.utils.reward_score.sandbox_fusion") as client:
        semaphore = threading.Semaphore(1)
        options = {"timeout": 5, "concurrent_semaphore": semaphore, **options}
        results, _ = client.check_correctness(url, cases, code, **options)
    return list(results)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("code", "cases", "options", "results"),
    [
        ("print(2 * int(input()))", CASES, {}, [True, True]),
        ("print(2)", CASES, {}, [True, False]),
        ("print(int(input()) // 0)", CASES, {}, [-2, -2]),
        ("def f(:", CASES, {}, [-2, -2]),
        ("while True: pass", {"inputs": [""], "outputs": [""]}, {"timeout": 0.5}, [-3]),
        ("x = bytearray(99 << 20)", {"inputs": [""], "outputs": [""]}, {}, [True]),
        (
            "x = bytearray(99 << 20)",
            {"inputs": [""], "outputs": [""]},
            {"memory_limit_mb": 50},
            [-2],
        ),
        ("int main() {}", CASES, {"language": "cpp"}, [-1, -1]),
        (
            "class Solution:\n    def double(self, x):\n        return [2 * x, None]",
            {"inputs": ["3"], "outputs": ["[6, null]"], "fn_name": "double"},
            {},
            [True],
        ),
        (
            "def double(x): return 2 * x",
            {
                "inputs": ["", ""],
                "outputs": [None, None],
                "assert_case": ["assert double(2) == 4", "assert double(2) == 5"],
            },
            {},
            [True, -2],
        ),
        ("print(1)", {"inputs": [], "outputs": []}, {}, []),
    ],
)
def test_verl_reads_the_words_as_they_are_meant(
    run_code_url: str, code: str, cases: dict[str, Any], options: dict[str, Any], results: list[Any]
) -> None:
    """True, False, -1 for the service, -2 for a run-time error, -3 for time."""
    assert verl_results(run_code_url, code, cases, **options) == results


@pytest.mark.docker
def test_verl_tries_again_where_no_slot_was_free(run_code_url: str) -> None:
    """The second program is refused while the first runs, and neither result is lost."""
    code = "import time; time.sleep(0.5); print(2 * int(input()))"

    assert verl_results(run_code_url, code, CASES, concurrent_semaphore=None) == [True, True]


@pytest.mark.docker
def test_verl_scores_a_completion(run_code_url: str) -> None:
    """Its score is the share of tests; the row's tests may be text."""
    with foreign("verl", "0.9.1", "verl.utils.reward_score.sandbox_fusion") as client:
        semaphore = threading.Semaphore(1)
        completion = "```python\nprint(2)\n```"
        score, metadata = client.compute_score(
            run_code_url, semaphore, 1024, completion, json.dumps(CASES), continuous=True
        )

    assert score == 0.5
    assert [one["status"] for one in metadata] == ["success", "wrong_answer"]


# --- Sandbox Fusion's own client


@pytest.mark.docker
@pytest.mark.parametrize(
    ("code", "outcome"),
    [("print(input())", "Success"), ("1 / 0", "RunFailed"), ("while 1: 1", "RunTimeout")],
)
def test_sandbox_fusions_client_reads_the_reply(run_code_url: str, code: str, outcome: str) -> None:
    """With its own models of request and reply."""
    sandbox_fusion = pytest.importorskip("sandbox_fusion", reason="make test-clients")
    request = sandbox_fusion.RunCodeRequest(
        code=code, stdin="3", language="python", run_timeout=0.5
    )
    reply = sandbox_fusion.run_code(request, run_code_url.removesuffix("/run_code"))
    names = {name: name for name in ("Success", "Failed", "RunFailed", "RunTimeout")}
    mapping = sandbox_fusion.SummaryMapping(**names)

    assert sandbox_fusion.summary_run_code_result(reply, mapping) == outcome


# --- NeMo Gym, whose objects are those of OpenAI's package


def test_openais_objects_survive_the_exchange(server: Server) -> None:
    """As its model writes the response, with all of its nulls, it comes back."""
    responses = pytest.importorskip("openai.types.responses", reason="make test-clients")
    part = {"type": "output_text", "text": r"\boxed{2}", "annotations": []}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed"}
    reasoning = {"id": "r", "type": "reasoning", "summary": []}
    response = responses.Response.model_validate(
        {
            "id": "r1",
            "created_at": 1761955953.0,
            "model": "policy",
            "object": "response",
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "output": [reasoning, {**message, "content": [part]}],
        }
    )
    row = {
        "responses_create_params": {"input": "1 + 1?"},
        "expected_answer": "2",
        "response": response.model_dump(mode="json"),
    }
    found = httpx.post(with_token(server.url) + "/verify", json=row).json()

    assert found["reward"] == 1.0
    assert responses.Response.model_validate(found["response"]) == response
