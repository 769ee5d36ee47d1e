"""A resources server of NeMo Gym: `/verify` and what Gym asks beside it.

One server for rows of mathematics, as Gym's `math_with_judge` has them but without a judge, and for
rows of programs, as its `code_gen` has them.
"""

from typing import Any, Literal

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from evalkit.graders.wire import json_bytes
from evalkit.server import bodies
from evalkit.server.errors import RequestError
from evalkit.server.labels import answer_of, reward_of
from evalkit.server.nemo_bodies import (
    FAILURE_CLASS,
    AggregateReply,
    AggregateRequest,
    ModelResponse,
    SeedRequest,
    UnitTests,
    VerifyReply,
    VerifyRequest,
)
from evalkit.server.nemo_metrics import aggregate
from evalkit.server.service import Service
from evalkit.server.work import Work
from evalkit.types import Grade, InlineTests, Target, UsageError, Verdict

_ENDPOINT = "/verify"
_OBSERVED = "/ng-rollout/{rollout_id}"  # what Gym puts in front when its observability is on
_FAILURE_TEXT = "_ng_failure_judge_error"
_BUSY = (429, 503)
_TAGS = ("<think>", "</think>")
_RESULTS = {Verdict.WRONG: -2, Verdict.TIME_LIMIT: -3}
"""LiveCodeBench's numbers; -4 is any other way in which a program fails."""


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["NeMo Gym"])

    @routes.post(_OBSERVED + "/seed_session", include_in_schema=False)
    @routes.post("/seed_session", openapi_extra=bodies.describes(SeedRequest))
    async def seed_session(request: Request) -> dict[str, Any]:
        """There are no sessions."""
        await bodies.read(request, SeedRequest)
        return {}

    @routes.post(_OBSERVED + _ENDPOINT, include_in_schema=False, response_model=VerifyReply)
    @routes.post(
        _ENDPOINT, response_model=VerifyReply, openapi_extra=bodies.describes(VerifyRequest)
    )
    async def verify(request: Request) -> Response:
        """The request object with a reward and further fields."""
        body = await bodies.read(request, VerifyRequest)
        found = await _verify(service, body)
        row = body.model_dump(exclude_unset=True, exclude={FAILURE_CLASS, _FAILURE_TEXT})
        return _json(row | found)

    @routes.post("/aggregate_metrics", openapi_extra=bodies.describes(AggregateRequest))
    async def aggregate_metrics(request: Request) -> AggregateReply:
        """Statistics of what `/verify` replied."""
        body = await bodies.read(request, AggregateRequest)
        return await run_in_threadpool(aggregate, body.verify_responses)

    @routes.get("/reverify_mode")
    async def reverify_mode() -> Literal["stateless"]:
        """Responses that were stored may be graded again."""
        return "stateless"

    return routes


async def _verify(service: Service, body: VerifyRequest) -> dict[str, Any]:
    grade = await _grade(service, _work(service, body))
    fields: dict[str, Any] = {"reward": reward_of(service, _ENDPOINT, grade)}
    metadata = body.verifier_metadata
    if metadata and metadata.unit_tests:
        fields |= _code_fields(body.response, metadata.unit_tests, grade)
        fields["difficulty"] = metadata.difficulty
    else:
        fields |= {
            "extracted_answer": grade.extracted,
            "library_reward": fields["reward"],
            "judge_evaluations": None,
        }
    return fields if grade.score is not None else fields | _failure(grade)


async def _grade(service: Service, work: Work) -> Grade:
    """To Gym a refusal is a failed rollout; what is marked as not graded it tries again."""
    try:
        [grade] = await service.grade([work])
    except RequestError as error:
        if error.status not in _BUSY:
            raise
        return Grade(verdict=Verdict.GRADER_ERROR, score=None, rule="busy", detail=str(error))
    return grade


def _work(service: Service, body: VerifyRequest) -> Work:
    return service.catalogue.work(
        completion=body.response.text,
        target=_target(body),
        # Without reasoning of its own the text may hold the thinking, or its end.
        thinking_opened=False if body.response.reasoning else None,
        where="response",
    )


def _target(body: VerifyRequest) -> str | Target:
    tests = body.verifier_metadata.unit_tests if body.verifier_metadata else None
    if (tests is None) == (body.expected_answer is None):
        text = "either expected_answer or verifier_metadata.unit_tests is needed, and not both"
        raise RequestError(422, text)
    if tests is None:
        assert body.expected_answer is not None
        return answer_of(body.expected_answer, "expected_answer")
    try:
        return InlineTests(
            inputs=tuple(tests.inputs), outputs=tuple(tests.outputs), fn_name=tests.fn_name
        )
    except UsageError as error:
        raise RequestError(422, str(error), "verifier_metadata.unit_tests") from error


def _code_fields(response: ModelResponse, tests: UnitTests, grade: Grade) -> dict[str, Any]:
    return {
        "extracted_model_output": response.text or None,
        "extracted_model_code": grade.extracted,
        "result": _results(grade, len(tests.inputs)),
        "metadata": {"verdict": grade.verdict.value, "detail": grade.detail},
        "unit_tests_time_taken": grade.seconds,
        "reasoning_format_violation_rate": float(_has_stray_tags(response)),
    }


def _results(grade: Grade, num_tests: int) -> list[bool | int] | None:
    """A true for each test, or the number of the one failure that decided."""
    if grade.verdict is Verdict.CORRECT:
        return [True] * num_tests
    was_run = grade.score is not None and grade.extracted is not None
    return [_RESULTS.get(grade.verdict, -4)] if was_run else None


def _has_stray_tags(response: ModelResponse) -> bool:
    """Thinking in the answer, or more than once in the reasoning; it does not change the reward."""
    parts = [part for item in response.reasoning for part in item.summary or []]
    reasoning = "".join(part.text or "" for part in parts)
    return any(tag in response.text or reasoning.count(tag) > 1 for tag in _TAGS)


def _failure(grade: Grade) -> dict[str, str]:
    """The class is the one that `gym eval reverify --judge-failed-only` grades again."""
    return {FAILURE_CLASS: "judge_failed", _FAILURE_TEXT: grade.detail}


def _json(fields: dict[str, Any]) -> Response:
    try:
        return Response(json_bytes(fields), media_type="application/json")
    except ValueError as error:
        raise RequestError(422, f"not JSON: {error}") from error
