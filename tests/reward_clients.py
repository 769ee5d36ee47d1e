"""Each of the clients for trainers, called as its trainer calls it, with the same arguments.

Of each call the score is returned, or None where the client says that there is none.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

from evalkit.integrations import openrlhf, slime, verifiers
from evalkit.integrations.rewards import GraderFailedError
from evalkit.integrations.trl_reward import AsyncGraderReward, GraderReward
from evalkit.integrations.verl_reward import compute_score, compute_score_async

Client = Callable[..., float | Awaitable[float | None] | None]

PROMPT = "<|im_start|>user\nHow much?<|im_end|>\n<|im_start|>assistant\n"


def slime_sample(response: str, label: Any, prompt: Any = "", status: str = "completed") -> Any:
    """What slime's Sample has of fields that matter."""
    return SimpleNamespace(
        prompt=prompt,
        response=response,
        label=label,
        status=SimpleNamespace(value=status),
        index=3,
        remove_sample=False,
    )


def _verl(completion: str, gold: str, grader: str, url: str) -> float | None:
    return _unless_error(compute_score(**_verl_arguments(completion, gold, grader, url)))


async def _verl_async(completion: str, gold: str, grader: str, url: str) -> float | None:
    return _unless_error(
        await compute_score_async(**_verl_arguments(completion, gold, grader, url))
    )


def _verl_arguments(completion: str, gold: str, grader: str, url: str) -> dict[str, Any]:
    return {
        "data_source": "demo",
        "solution_str": completion,
        "ground_truth": gold,
        "extra_info": {"num_turns": 1},
        "grader": grader,
        "fallback": 0.0,
        "url": url,
    }


def _unless_error(result: Mapping[str, float]) -> float | None:
    return None if result["grader_error"] else result["score"]


def _trl(completion: str, gold: str, grader: str, url: str) -> float | None:
    [score] = GraderReward(grader, url=url)(completions=[completion], answer=[gold])
    return score


async def _trl_async(completion: str, gold: str, grader: str, url: str) -> float | None:
    message = [{"role": "assistant", "content": completion}]
    reward = AsyncGraderReward(grader, url=url)
    [score] = await reward(completions=[message], answer=[gold])
    return score


def _openrlhf(completion: str, gold: str, grader: str, url: str) -> float | None:
    function = openrlhf.RewardFunction(grader, url=url)
    found = function([f"{PROMPT}{completion}<|im_end|>"], [PROMPT], [gold])
    return None if found["extra_logs"]["grader_error"] == [1.0] else found["rewards"][0]


async def _slime(completion: str, gold: str, grader: str, url: str) -> float | None:
    function = slime.RewardFunction(grader, url=url)
    sample = slime_sample(completion, gold)
    found = await function(SimpleNamespace(reward_key=None), sample, evaluation=False)
    assert isinstance(found, float)
    return None if sample.remove_sample else found


async def _verifiers(completion: str, gold: str, grader: str, url: str) -> float | None:
    messages = [{"role": "assistant", "content": completion}]
    try:
        return await verifiers.RewardFunction(grader, url=url)(completion=messages, answer=gold)
    except GraderFailedError:
        return None


CLIENTS: Mapping[str, Client] = {
    "verl": _verl,
    "verl async": _verl_async,
    "trl": _trl,
    "trl async": _trl_async,
    "openrlhf": _openrlhf,
    "slime": _slime,
    "verifiers": _verifiers,
}
