"""evalkit's clients for trainers, each called as its trainer calls it.

The items of one call have the same grader, and their prompts all or none end inside `<think>`: both
are settings of a client.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, TypeVar

from evalkit.integrations import openrlhf, slime, trl_reward, verifiers, verl_reward
from evalkit.parity.items import Item, Outcome
from evalkit.parity.labels import client_label
from evalkit.types import Verdict

Client = Callable[[Sequence[Item], str], list[Outcome]]
"""Of each item what the client says; the text is the address of a server, or empty: in process."""

R = TypeVar("R")
_NUM_THREADS = 16


def in_threads(call: Callable[[Item], Outcome], items: Sequence[Item]) -> list[Outcome]:
    with ThreadPoolExecutor(_NUM_THREADS) as threads:
        return list(threads.map(call, items))


def openrlhf_query(item: Item) -> str:
    """As its tokenizer decodes a sequence: with the prompt and the token at the end."""
    return f"{item.prompt}{item.sample.text}<|im_end|>"


def _verl(items: Sequence[Item], url: str) -> list[Outcome]:
    def outcome(item: Item) -> Outcome:
        return Outcome(score=verl_reward.compute_score(**_verl_row(item, url))["score"])

    return in_threads(outcome, items)


def _verl_async(items: Sequence[Item], url: str) -> list[Outcome]:
    calls = [verl_reward.compute_score_async(**_verl_row(item, url)) for item in items]
    return [Outcome(score=one["score"]) for one in _gathered(calls)]


def _verl_row(item: Item, url: str) -> dict[str, Any]:
    return {
        "data_source": item.sample.task,
        "solution_str": item.sample.text,
        "ground_truth": client_label(item),
        "extra_info": {"grader": item.grader},
        "thinking_opened": item.sample.thinking_opened,
        "url": url,
    }


def _trl(items: Sequence[Item], url: str) -> list[Outcome]:
    reward = trl_reward.GraderReward(**_trl_settings(items, url))
    return [Outcome(score=one) for one in reward(**_trl_columns(items))]


def _trl_async(items: Sequence[Item], url: str) -> list[Outcome]:
    reward = trl_reward.AsyncGraderReward(**_trl_settings(items, url))
    [scores] = _gathered([reward(**_trl_columns(items))])
    return [Outcome(score=one) for one in scores]


def _trl_settings(items: Sequence[Item], url: str) -> dict[str, Any]:
    return {
        "grader": items[0].grader,
        "thinking_opened": items[0].sample.thinking_opened,
        "url": url,
    }


def _trl_columns(items: Sequence[Item]) -> dict[str, Any]:
    return {
        "prompts": [item.prompt for item in items],
        "completions": [item.sample.text for item in items],
        "answer": [client_label(item) for item in items],
    }


def _openrlhf(items: Sequence[Item], url: str) -> list[Outcome]:
    reward = openrlhf.RewardFunction(grader=items[0].grader, url=url)

    def outcome(item: Item) -> Outcome:
        result = reward([openrlhf_query(item)], [item.prompt], [client_label(item)])
        is_error = result["extra_logs"]["grader_error"][0]
        return Outcome(score=None if is_error else result["rewards"][0])

    return in_threads(outcome, items)


def _slime(items: Sequence[Item], url: str) -> list[Outcome]:
    reward = slime.RewardFunction(grader=items[0].grader, url=url)
    args = SimpleNamespace(reward_key="score")
    results: list[Any] = _gathered([reward(args, _slime_sample(item)) for item in items])
    return [
        Outcome(
            score=None if one["grader_error"] else one["score"],
            said={"verdict": Verdict(one["verdict"])},
        )
        for one in results
    ]


def _slime_sample(item: Item) -> SimpleNamespace:
    status = "truncated" if item.sample.is_truncated else "completed"
    return SimpleNamespace(
        prompt=item.prompt,
        response=item.sample.text,
        label=client_label(item),
        status=SimpleNamespace(value=status),
        index=item.sample.index,
        remove_sample=False,
    )


def _verifiers(items: Sequence[Item], url: str) -> list[Outcome]:
    reward = verifiers.RewardFunction(
        grader=items[0].grader, url=url, thinking_opened=items[0].sample.thinking_opened
    )
    calls = [
        reward([{"role": "assistant", "content": item.sample.text}], client_label(item))
        for item in items
    ]
    return [Outcome(score=one) for one in _gathered(calls)]


def _gathered(calls: Sequence[Coroutine[Any, Any, R]]) -> list[R]:
    """The results of all, or the first error, once all have ended."""

    async def gather() -> list[R | BaseException]:
        return await asyncio.gather(*calls, return_exceptions=True)

    results = []
    for result in asyncio.run(gather()):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results


CLIENTS: Mapping[str, Client] = {
    "verl": _verl,
    "verl-async": _verl_async,
    "trl": _trl,
    "trl-async": _trl_async,
    "openrlhf": _openrlhf,
    "slime": _slime,
    "verifiers": _verifiers,
}
