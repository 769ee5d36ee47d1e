"""What slime asks with `--rm-type remote_rm --rm-url URL`: the reward of one sample."""

from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from evalkit.completions import strip_special_tokens
from evalkit.server import bodies
from evalkit.server.bodies import Body, Finite
from evalkit.server.labels import Label, check_task, reward_of, work_of
from evalkit.server.service import Service
from evalkit.types import Prompt

_ENDPOINT = "/slime"
_DEADLINE_S = 110.0  # its client gives up after 120 s
_VERDICT_HEADER = "Evalkit-Verdict"

Format = Literal["number", "object"]


class SlimeRequest(Body):
    """The prompt is a rendered text, which tells whether it ended inside `<think>`, or messages."""

    prompt: str | list[dict[str, Any]]
    response: str
    label: Label | None


class SlimeReply(Body):
    """The reply with `?format=object`, for `--reward-key score`.

    `grader_error` is 1 where the grader failed; the score is then the fallback of the server.
    """

    score: Finite
    verdict: str
    grader_error: Finite
    detail: str


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["slime"])
    extra = bodies.describes(SlimeRequest)

    @routes.post(_ENDPOINT, response_model=Finite | SlimeReply, openapi_extra=extra)
    async def slime(request: Request, format: Format = "number") -> JSONResponse:
        """The label says what the response is compared with. The reply is the reward itself."""
        return await _reward(service, request, None, format)

    @routes.post(_ENDPOINT + "/{task}", response_model=Finite | SlimeReply, openapi_extra=extra)
    async def slime_of_task(request: Request, task: str, format: Format = "number") -> JSONResponse:
        """The label is of this task. The reply is the reward itself."""
        check_task(service, task)
        return await _reward(service, request, task, format)

    return routes


async def _reward(
    service: Service, request: Request, task: str | None, form: Format
) -> JSONResponse:
    """A header names the verdict, since a number cannot say that it is the fallback."""
    body = await bodies.read(request, SlimeRequest)
    work = work_of(
        service,
        body.label,
        task=task,
        completion=strip_special_tokens(body.response),
        thinking_opened=_thinking_opened(body.prompt),
        where="label",
    )
    [grade] = await service.grade([work], deadline_s=_DEADLINE_S)
    reply = SlimeReply(
        score=reward_of(service, _ENDPOINT, grade),
        verdict=grade.verdict.value,
        grader_error=float(grade.score is None),
        detail=grade.detail,
    )
    content = reply.score if form == "number" else reply.model_dump()
    return JSONResponse(content, headers={_VERDICT_HEADER: reply.verdict})


def _thinking_opened(prompt: str | list[dict[str, Any]]) -> bool | None:
    return Prompt((), prompt).opens_thinking if isinstance(prompt, str) else None
