"""What a request can be refused with: always JSON that says what is wrong, and where."""

import logging
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from evalkit.types import EvalkitError

_logger = logging.getLogger(__name__)


class RequestError(EvalkitError):
    """Becomes an answer with this status. `where` is a place in the request, as items[3].target."""

    def __init__(
        self, status: int, message: str, where: str = "", retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.where = where
        self.retry_after_s = retry_after_s

    def fields(self) -> dict[str, str]:
        return {"error": str(self), "where": self.where}

    def response(self) -> JSONResponse:
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="evalkit", Basic realm="evalkit"'
        return JSONResponse(self.fields(), self.status, headers)


def log_refusal(scope: Mapping[str, Any], error: RequestError) -> None:
    """Trainers show the status of an answer, but not what it says."""
    path = ascii(scope["path"])[1:-1][:200]
    place = f"{error.where}: " if error.where else ""
    _logger.warning("%s %s: %d %s%s", scope["method"], path, error.status, place, error)


def not_found(kind: str, name: str, known: list[str], where: str) -> RequestError:
    """For a name that the server does not have; lists some of those that it has."""
    shown = ", ".join(known[:20]) or "none"
    more = f" and {len(known) - 20} others" if len(known) > 20 else ""
    return RequestError(
        404, f"this server has no {kind} {name[:200]!r}; it has: {shown}{more}", where
    )


def stopping() -> RequestError:
    return RequestError(503, "the server is being stopped; ask another, or again", retry_after_s=1)


ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "where": {"type": "string"}},
    "required": ["error", "where"],
    "additionalProperties": False,
}
"""The component `Error` of the OpenAPI document."""

ERROR_REF = {"$ref": "#/components/schemas/Error"}
