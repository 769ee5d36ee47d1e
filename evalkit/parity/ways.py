"""The ways to a score that a user can name, and what each of them says of completions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from evalkit.graders.addresses import server_urls
from evalkit.graders.channel import RefusedError
from evalkit.graders.opening import Pool, open_reward_pool
from evalkit.graders.remote import RemotePool
from evalkit.integrations.rewards import GraderFailedError
from evalkit.parity.clients import CLIENTS
from evalkit.parity.endpoints import ENDPOINTS, asking, split_url
from evalkit.parity.items import Item, Outcome, outcome_of
from evalkit.types import DataError, UsageError

Score = Callable[[Sequence[Item]], list[Outcome]]

IN_PROCESS = "in-process"
LOGGED = "logged"
ALL = "all"
_BATCH = 64
_NO_REWARD = Outcome(score=None, detail="no reward in the data")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to scores, under the name that the user gave; `server` is whom it asks, or empty."""

    name: str
    server: str
    open: Callable[[], AbstractContextManager[Score]]

    def outcomes(self, items: Sequence[Item]) -> Iterator[list[Outcome]]:
        """In the order of the items, some at a time. Raises RewardServerError for a server that is lost."""
        with self.open() as score:
            for _, members in groupby(items, lambda one: (one.grader, one.sample.thinking_opened)):
                chosen = list(members)
                for start in range(0, len(chosen), _BATCH):
                    yield _scored(score, chosen[start : start + _BATCH])


def parse_ways(names: Sequence[str], *, url: str = "", has_rewards: bool = False) -> list[Way]:
    """At least two; `all` stands for every way there is, those of the server at `url` included.

    Raises UsageError for a way that does not exist, or `logged` where the data have no rewards.
    """
    if url and ALL not in names:
        raise UsageError(f"--url {url} names the server of {ALL}; name the ways of it instead")
    wanted = [one for name in names for one in (_all(url, has_rewards) if name == ALL else [name])]
    ways = [_way(name) for name in dict.fromkeys(wanted)]
    if len(ways) < 2:
        raise UsageError(f"there is nothing to compare with {wanted[0]}: name two ways, or all")
    if LOGGED in wanted and not has_rewards:
        raise UsageError(
            "the data have no rewards to compare with; --fields reward=NAME names them"
        )
    return ways


def check_servers(ways: Sequence[Way]) -> None:
    """Raises RewardServerError where one of their servers does not answer, or refuses the token."""
    for server in dict.fromkeys(way.server for way in ways if way.server):
        RemotePool([server]).check()


def _all(url: str, has_rewards: bool) -> list[str]:
    names = [IN_PROCESS, *CLIENTS]
    if url:
        base = url.rstrip("/")
        names += [base, *(f"{name}@{base}" for name in CLIENTS)]
        names += [f"{base}/{name}" for name in ENDPOINTS]
    return [*names, LOGGED] if has_rewards else names


def _way(name: str) -> Way:
    if name == LOGGED:
        return Way(name, "", lambda: nullcontext(_logged))
    if name == IN_PROCESS:
        return Way(name, "", partial(_pools, ""))
    if name.startswith(("http://", "https://")):
        address = name.rstrip("/")
        server, endpoint = split_url(address)
        server_urls([server])
        opened = partial(asking, address, endpoint) if endpoint else partial(_pools, server)
        return Way(name, server, opened)
    client, at, url = name.partition("@")
    if client not in CLIENTS or (at and not server_urls([url])):
        listed = ", ".join([ALL, IN_PROCESS, LOGGED, *CLIENTS, "CLIENT@http://HOST:PORT"])
        ends = ", ".join(f"/{one}" for one in ENDPOINTS)
        raise UsageError(
            f"unknown way {name!r}; known: {listed}, and http://HOST:PORT, alone or with {ends}"
        )
    return Way(name, url, lambda: nullcontext(lambda items: CLIENTS[client](items, url)))


def _logged(items: Sequence[Item]) -> list[Outcome]:
    return [item.logged or _NO_REWARD for item in items]


@contextmanager
def _pools(url: str) -> Iterator[Score]:
    """The pools of `evalkit run`, or of `evalkit train --reward-url`, by grader."""
    with ExitStack() as stack:
        pools: dict[str, Pool] = {}

        def score(items: Sequence[Item]) -> list[Outcome]:
            grader = items[0].grader
            if grader not in pools:
                pools[grader] = open_reward_pool(grader, urls=server_urls([url]))
                stack.enter_context(pools[grader])
            futures = [pools[grader].submit(item.problem, item.sample) for item in items]
            return [outcome_of(one.result()) for one in futures]

        yield score


def _scored(score: Score, items: Sequence[Item]) -> list[Outcome]:
    """Where a server refuses, a grader fails or tests are missing, one by one: only those have none."""
    try:
        return score(items)
    except (RefusedError, GraderFailedError, DataError) as error:
        if len(items) == 1:
            return [Outcome(score=None, detail=str(error))]
    return [outcome for item in items for outcome in _scored(score, [item])]
