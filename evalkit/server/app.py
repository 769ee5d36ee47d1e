"""The FastAPI application: every endpoint, and an OpenAPI document that says what it does."""

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from evalkit import __version__
from evalkit.server import (
    bodies,
    health,
    native,
    nemo_bodies,
    nemo_gym,
    openrlhf,
    sandbox_fusion,
    slime,
    stream,
)
from evalkit.server.errors import ERROR_REF, ERROR_SCHEMA, RequestError, log_refusal
from evalkit.server.guard import App, Guard
from evalkit.server.items import GradeRequest, Item
from evalkit.server.service import Service

_REFUSALS = {
    400: "Not JSON.",
    401: "No token, or a wrong one.",
    404: "A task, problem or grader that the server does not have.",
    408: "The body came too slowly.",
    409: "The server has other tests.",
    413: "Too large.",
    415: "Not said to be JSON.",
    422: "Wrong fields.",
    429: "Full: ask again later.",
    503: "Being stopped: ask another server.",
}
_MODELS: list[type[BaseModel]] = [
    GradeRequest,
    Item,
    stream.StreamedGrade,
    stream.StreamEnd,
    openrlhf.RewardRequest,
    slime.SlimeRequest,
    sandbox_fusion.RunCodeRequest,
    nemo_bodies.SeedRequest,
    nemo_bodies.VerifyRequest,
    nemo_bodies.AggregateRequest,
]


def create_app(service: Service) -> App:
    """An ASGI application; the service has to be entered and left by whoever calls."""
    app = FastAPIOffline(  # its page works without a network
        title="evalkit reward server",
        version=__version__,
        description="The graders of `evalkit run` for reinforcement learning.",
        redoc_url=None,
        redirect_slashes=False,
        responses=_refusals(),
    )
    for module in (native, stream, openrlhf, slime, sandbox_fusion, nemo_gym, health):
        app.include_router(module.router(service))
    app.exception_handler(RequestError)(_refused)
    app.exception_handler(HTTPException)(_not_there)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(Exception)(_failed)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return Guard(app, service)


def _refusals() -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"schema": ERROR_REF}}
    return {status: {"description": text, "content": content} for status, text in _REFUSALS.items()}


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)
    log_refusal(request.scope, error)
    return error.response()


async def _not_there(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    text = f"{request.method} {request.url.path[:200]}: {error.detail}; /docs lists what there is"
    response = RequestError(error.status_code, text).response()
    response.headers.update(error.headers or {})
    return response


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Of a path or a query; bodies are read by `bodies`."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return RequestError(422, str(first["msg"]), ".".join(map(str, first["loc"]))).response()


async def _failed(request: Request, error: Exception) -> JSONResponse:
    return RequestError(500, "the server failed; its log says how").response()


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(bodies.schemas(_MODELS), Error=ERROR_SCHEMA)
        app.openapi_schema = document
    return app.openapi_schema
