"""The clients for trainers: the same scores in process and by URL, from any thread and event loop."""

import asyncio
import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from reward_clients import CLIENTS, Client
from serving import Server, dying_graders, serving

from evalkit.integrations import openrlhf, rewards, slime, verifiers
from evalkit.integrations.trl_reward import AsyncGraderReward, GraderReward
from evalkit.types import RewardServerError, UsageError

SLOW = r"\boxed{10000000!}"
"""Math-Verify compares it for longer than its grader lives here."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--graders", "math,math-verify") as server:
        yield server
        rewards.close()  # other tests count processes and threads


@pytest.fixture(scope="module")
def closed() -> Iterator[Server]:
    """A server with a token that nobody has."""
    with serving(token="secret") as server:
        yield server


@pytest.fixture(params=["in process", "by url"])
def place(request: pytest.FixtureRequest, server: Server) -> Server:
    """Where the grading is done; no URL means in process."""
    return server if request.param == "by url" else Server("", os.getpid())


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param]


def on_main_thread(client: Client, *arguments: Any) -> Any:
    found = client(*arguments)
    return asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found


async def _awaited(found: Any) -> Any:
    return await found


def on_other_thread(client: Client, *arguments: Any) -> Any:
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(on_main_thread, client, *arguments).result()


def on_event_loop(client: Client, *arguments: Any) -> Any:
    async def call() -> Any:
        found = client(*arguments)
        return await found if inspect.isawaitable(found) else found

    return asyncio.run(call())


@pytest.mark.parametrize("caller", [on_main_thread, on_other_thread, on_event_loop])
def test_all_clients_give_the_scores_of_the_evaluation(
    client: Client, place: Server, caller: Callable[..., Any]
) -> None:
    """From whatever thread and event loop they are called, in process and by URL."""
    expected = {
        r"So \boxed{\frac12}.": 1.0,
        r"So \boxed{0.4}.": 0.0,
        "No idea.": 0.0,
        "": 0.0,
        r"<think>\boxed{3}</think>\boxed{0.5}": 1.0,
        r"<think>\boxed{0.5}</think>": 0.0,
        r"a</think>\boxed{3}</think>\boxed{0.5}": 1.0,
        r"a</think>\boxed{0.5}</think>\boxed{3}": 0.0,
        "<think>\\boxed{0.5}": 0.0,
        "\\boxed{0.5}\ud800": 1.0,
    }

    found = {text: caller(client, text, "0.5", "math", place.url) for text in expected}
    assert found == expected


def test_a_grader_that_is_killed_gives_no_score(client: Client, place: Server) -> None:
    """No client makes a plain 0 of it."""
    with dying_graders(place.pid):
        found = on_main_thread(client, SLOW, "5", "math-verify", place.url)

    assert found is None


def test_a_server_that_refuses_gives_no_score(client: Client, closed: Server) -> None:
    """An error, or the mark of one, which the log explains."""
    with suppress(RewardServerError):
        assert on_main_thread(client, r"\boxed{1}", "1", "math", closed.url) is None


REWARDS = {
    "trl": GraderReward("math-verify", url="http://host"),
    "trl async": AsyncGraderReward(thinking_opened=True),
    "openrlhf": openrlhf.RewardFunction(url="http://host", fallback=0.5),
    "slime": slime.RewardFunction("math"),
    "verifiers": verifiers.RewardFunction(thinking_opened=True),
}


@pytest.mark.parametrize("reward", REWARDS.values(), ids=REWARDS)
def test_a_client_is_its_settings(reward: Any) -> None:
    """It can be pickled, and sent to another process."""
    assert pickle.loads(pickle.dumps(reward)) == reward
    with pytest.raises(FrozenInstanceError):
        reward.url = "http://other"


@pytest.mark.parametrize("kind", [type(one) for one in REWARDS.values()], ids=REWARDS)
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"grader": "maths"}, "unknown grader 'maths'"),
        ({"url": "host:1"}, "reward server 'host:1'"),
    ],
)
def test_settings_are_checked_before_training(
    kind: Callable[..., Any], settings: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        kind(**settings)


FORKING = """
import os, sys
from evalkit.integrations.trl_reward import GraderReward

reward = GraderReward(url=sys.argv[1])
def ask(number):  # nothing that was graded before
    texts = [rf"\\boxed{{x+{number}}}", rf"\\boxed{{y+{number}}}"]
    return reward(completions=texts, answer=[f"{number}+x"] * 2)

assert ask(1) == [1.0, 0.0]
if (child := os.fork()) == 0:
    assert ask(2) == [1.0, 0.0]
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert ask(3) == [1.0, 0.0]
"""


def test_a_forked_process_grades_on_its_own(place: Server) -> None:
    """It has none of the parent's threads, and must not end the parent's graders."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, place.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")


HEAVY = {"torch", "vllm", "docker", "sympy", "pandas", "transformers", "datasets", "fastapi"}


def test_the_clients_are_light() -> None:
    """Nothing that takes seconds, and no trainer, is loaded before it is needed."""
    names = ("openrlhf", "slime", "trl_reward", "verifiers", "verl_reward")
    code = "".join(f"import evalkit.integrations.{name}\n" for name in names)
    shown = subprocess.run(
        [sys.executable, "-c", f"{code}import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert (HEAVY | {"httpx", "trl", "verl"}) & set(shown.split()) == set()
