"""Endpoints for balancers and Prometheus."""

import asyncio
import time

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from evalkit import __version__
from evalkit.server.metrics import CONTENT_TYPE
from evalkit.server.service import Service
from evalkit.types import EvalkitError

_CHECK_S = 5.0
_FRESH_S = 2.0


def router(service: Service) -> APIRouter:
    routes = APIRouter(tags=["operation"])
    readiness = _Readiness(service)

    @routes.get("/health")
    async def health() -> dict[str, str | list[str]]:
        """The server runs; what it was started with."""
        catalogue = service.catalogue
        return {"version": __version__, "tasks": catalogue.tasks, "graders": catalogue.graders}

    @routes.get("/ready", responses={503: {"description": "Not now, and why."}})
    async def ready() -> JSONResponse:
        """Whether the server can grade now: workers answer, Docker and the image are there."""
        problems = await readiness.problems()
        fields = {"ready": not problems, "problems": problems}
        return JSONResponse(fields, 503 if problems else 200)

    @routes.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    return routes


class _Readiness:
    """Looks at most every few seconds, however often it is asked."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = asyncio.Lock()
        self._looked_at = float("-inf")
        self._found: dict[str, str] = {}

    async def problems(self) -> dict[str, str]:
        if self._service.is_stopping:
            return {"server": "it is being stopped"}
        async with self._lock:
            if time.monotonic() - self._looked_at > _FRESH_S:
                self._found = await self._look()
                self._looked_at = time.monotonic()
        return self._found

    async def _look(self) -> dict[str, str]:
        found = {}
        for grader, pool in self._service.pools.items():
            try:
                await asyncio.to_thread(pool.check, timeout_s=_CHECK_S)
            except EvalkitError as error:
                found[grader] = str(error)
        return found
