"""evalkit's own endpoint for batches of items."""

from collections import Counter

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from evalkit.graders.wire import json_bytes
from evalkit.server import bodies
from evalkit.server.errors import RequestError
from evalkit.server.items import GradeRequest, GradesReply, Item, reply_fields
from evalkit.server.service import Service


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["evalkit"])

    @routes.post("/grade", response_model=GradesReply, openapi_extra=bodies.describes(GradeRequest))
    async def grade(request: Request) -> Response:
        """Grades a batch: the grades are in the order of the items."""
        body = await bodies.read(request, GradeRequest)
        _check(body.items, service.spec.max_batch)
        works = [item.work(service, f"items[{i}]") for i, item in enumerate(body.items)]
        grades = await service.grade(works, deadline_s=body.deadline_s)
        found = [reply_fields(service, *one) for one in zip(body.items, works, grades, strict=True)]
        return Response(json_bytes({"grades": found}), media_type="application/json")

    return routes


def _check(items: list[Item], most: int) -> None:
    if len(items) > most:
        text = f"{len(items):,} items; this server takes {most:,}, or a stream by /grade/stream"
        raise RequestError(413, text, "items")
    counts = Counter(item.id for item in items if item.id is not None)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise RequestError(422, f"the id {twice[0][:200]!r} is there more than once", "items")
