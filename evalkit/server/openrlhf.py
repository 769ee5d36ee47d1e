"""What OpenRLHF 0.11 asks with `--reward.remote_url`: the rewards of decoded sequences."""

from fastapi import APIRouter
from starlette.requests import Request

from evalkit.completions import strip_prompt, strip_special_tokens
from evalkit.server import bodies
from evalkit.server.bodies import Body, Finite
from evalkit.server.errors import RequestError
from evalkit.server.labels import Label, check_task, reward_of, work_of
from evalkit.server.service import Service
from evalkit.server.work import Work
from evalkit.types import Grade, Verdict

_ENDPOINT = "/get_reward"
_DEADLINE_S = 170.0  # its client gives up after 180 s
_VERDICTS = [verdict for verdict in Verdict if verdict is not Verdict.GRADER_ERROR]


class RewardRequest(Body):
    """Lists of equal length, which may be empty.

    A query is a prompt with its response as the tokenizer decodes them, special tokens and all.
    """

    query: list[str]
    prompts: list[str]
    labels: list[Label]


class RewardReply(Body):
    """In the order of the request. `extra_logs` has a 1 where a sample got that verdict, else a 0.

    Where the grader failed, `grader_error` is 1 and the reward is the fallback of the server.
    """

    rewards: list[Finite]
    scores: list[Finite]
    extra_logs: dict[str, list[Finite]]


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["OpenRLHF"])
    extra = bodies.describes(RewardRequest)

    @routes.post(_ENDPOINT, openapi_extra=extra)
    async def get_reward(request: Request) -> RewardReply:
        """Each label says what its sample is compared with."""
        return await _rewards(service, await bodies.read(request, RewardRequest), None)

    @routes.post(_ENDPOINT + "/{task}", openapi_extra=extra)
    async def get_reward_of_task(request: Request, task: str) -> RewardReply:
        """All labels are of this task."""
        check_task(service, task)
        return await _rewards(service, await bodies.read(request, RewardRequest), task)

    return routes


async def _rewards(service: Service, body: RewardRequest, task: str | None) -> RewardReply:
    _check_lengths(body, service.spec.max_batch)
    samples = zip(body.query, body.prompts, body.labels, strict=True)
    works = [
        _work(service, *sample, task=task, where=f"labels[{i}]") for i, sample in enumerate(samples)
    ]
    grades = await service.grade(works, deadline_s=_DEADLINE_S)
    rewards = [reward_of(service, _ENDPOINT, grade) for grade in grades]
    return RewardReply(rewards=rewards, scores=rewards, extra_logs=_logs(grades))


def _check_lengths(body: RewardRequest, most: int) -> None:
    lengths = [len(body.query), len(body.prompts), len(body.labels)]
    for name, length in zip(("prompts", "labels"), lengths[1:], strict=True):
        if length != lengths[0]:
            text = f"there are {length} {name}, but query has {lengths[0]} entries"
            raise RequestError(422, text, name)
    if lengths[0] > most:
        raise RequestError(413, f"{lengths[0]:,} queries; this server takes {most:,}", "query")


def _work(
    service: Service, query: str, prompt: str, label: Label, *, task: str | None, where: str
) -> Work:
    completion, thinking_opened = strip_prompt(query, prompt)
    return work_of(
        service,
        label,
        task=task,
        completion=strip_special_tokens(completion),
        thinking_opened=thinking_opened,
        where=where,
    )


def _logs(grades: list[Grade]) -> dict[str, list[float]]:
    """The same keys for every request, since OpenRLHF concatenates them over samples."""
    by_verdict = {
        f"verdict_{verdict}": [float(grade.verdict is verdict) for grade in grades]
        for verdict in _VERDICTS
    }
    return {**by_verdict, "grader_error": [float(grade.score is None) for grade in grades]}
