"""The endpoints of `evalkit serve` for trainers that ask over HTTP, spoken as those trainers do."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from evalkit.graders.addresses import server_token
from evalkit.graders.channel import RefusedError
from evalkit.graders.inline import with_tests
from evalkit.graders.wire import json_bytes
from evalkit.parity.clients import in_threads, openrlhf_query
from evalkit.parity.items import Item, Outcome
from evalkit.parity.labels import server_label
from evalkit.types import Answer, InlineTests, RewardServerError, Verdict

_TIMEOUT_S = 180.0
_BUSY = (408, 429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`body` is what a trainer posts for an item, `outcome` reads the response to that."""

    body: Callable[[Item], Mapping[str, Any]]
    outcome: Callable[[httpx.Response], Outcome]


def split_url(url: str) -> tuple[str, str]:
    """The address of the server, and the name of the endpoint of which `url` is the address, or ""."""
    names = "|".join(ENDPOINTS)
    found = re.fullmatch(rf"(https?://[^/]+.*?)/({names})(/[^/]+)?", url)
    return (found[1], found[2]) if found else (url, "")


@contextmanager
def asking(url: str, name: str) -> Iterator[Callable[[Sequence[Item]], list[Outcome]]]:
    """Asks the endpoint at `url`, with the token of EVALKIT_TOKEN, for one item a request.

    Raises RefusedError where it refuses one, RewardServerError where it cannot be reached or has
    no time.
    """
    endpoint = ENDPOINTS[name]
    token = server_token(None)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with httpx.Client(headers=headers, timeout=_TIMEOUT_S) as client:

        def outcome(item: Item) -> Outcome:
            response = _post(client, url, json_bytes(endpoint.body(item)))
            try:
                return endpoint.outcome(response)
            except (ValueError, LookupError, TypeError) as error:
                text = response.text[:200]
                raise RewardServerError(f"{url} answered {text!r}, which is no reward") from error

        yield lambda items: in_threads(outcome, items)


def _post(client: httpx.Client, url: str, body: bytes) -> httpx.Response:
    try:
        response = client.post(url, content=body)
    except httpx.RequestError as error:
        raise RewardServerError(f"{url}: {type(error).__name__}: {error}") from error
    if response.status_code != 200:
        text = f"{url}: HTTP {response.status_code}: {response.text[:300]}"
        raise (RewardServerError if response.status_code in _BUSY else RefusedError)(text)
    return response


def _openrlhf_body(item: Item) -> dict[str, Any]:
    query = openrlhf_query(item)
    return {"query": [query], "prompts": [item.prompt], "labels": [server_label(item)]}


def _openrlhf_outcome(response: httpx.Response) -> Outcome:
    reply = response.json()
    logs = reply["extra_logs"]
    if logs["grader_error"][0]:
        return Outcome(score=None, said={"verdict": Verdict.GRADER_ERROR})
    [verdict] = [name for name, value in logs.items() if value[0]]
    said = {"verdict": Verdict(verdict.removeprefix("verdict_"))}
    return Outcome(score=float(reply["rewards"][0]), said=said)


def _slime_body(item: Item) -> dict[str, Any]:
    return {"prompt": item.prompt, "response": item.sample.text, "label": server_label(item)}


def _slime_outcome(response: httpx.Response) -> Outcome:
    """The reward is a bare number; only a header tells that it stands for a failure."""
    verdict = Verdict(response.headers["Evalkit-Verdict"])
    score = None if verdict is Verdict.GRADER_ERROR else float(response.json())
    return Outcome(score=score, said={"verdict": verdict})


def _gym_body(item: Item) -> dict[str, Any]:
    """This shape has no place for tolerances, a grader, time limits, or that the prompt opens `<think>`."""
    target = with_tests(item.problem).target
    part = {"type": "output_text", "text": item.sample.text, "annotations": []}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed"}
    row: dict[str, Any] = {
        "responses_create_params": {"input": item.prompt},
        "response": {"object": "response", "output": [{**message, "content": [part]}]},
    }
    if isinstance(target, Answer):
        return {**row, "expected_answer": target.text}
    assert isinstance(target, InlineTests)
    tests = {name: asdict(target)[name] for name in ("inputs", "outputs", "fn_name")}
    return {**row, "verifier_metadata": {"unit_tests": tests}}


def _gym_outcome(response: httpx.Response) -> Outcome:
    reply = response.json()
    if "_ng_failure_class" in reply:
        return Outcome(score=None, detail=str(reply.get("_ng_failure_judge_error", "")))
    if "extracted_answer" in reply:
        said = {"extracted": reply["extracted_answer"]}
    else:
        verdict = Verdict(reply["metadata"]["verdict"])
        said = {"extracted": reply["extracted_model_code"], "verdict": verdict}
    return Outcome(score=float(reply["reward"]), said=said)


ENDPOINTS: Mapping[str, Endpoint] = {
    "get_reward": Endpoint(_openrlhf_body, _openrlhf_outcome),
    "slime": Endpoint(_slime_body, _slime_outcome),
    "verify": Endpoint(_gym_body, _gym_outcome),
}
