"""Requests to reward servers, one after the other: retries, the next server, and clear refusals."""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from functools import cached_property
from typing import Any

import httpx

from evalkit.graders.addresses import TOKEN_VARIABLE, Servers
from evalkit.types import RewardServerError

_CONNECT_TIMEOUT_S = 10.0
_MARGIN_S = 15.0
_TRANSIENT = (408, 429, 502, 503, 504)
_ABOUT_AN_ITEM = (409, 413, 422, 500)
_SHOWN_CHARS = 500

_logger = logging.getLogger(__name__)


class RefusedError(RewardServerError):
    """`may_be_one`: a single item may be the reason, and the others might be graded."""

    def __init__(self, message: str, *, may_be_one: bool = False) -> None:
        super().__init__(message)
        self.may_be_one = may_be_one


class _TransientError(Exception):
    """A failure that may pass, though not before `wait_s`."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Channel:
    """Keeps its connections, and is used by one thread. Once `closed` is set it gives up."""

    def __init__(
        self,
        servers: Servers,
        token: str | None,
        *,
        patience_s: float,
        timeout_s: float,
        closed: threading.Event,
    ) -> None:
        self._servers = servers
        self._token = token
        self._patience_s = patience_s
        self._timeout_s = timeout_s
        self._closed = closed

    def ask(self, items: Sequence[bytes]) -> list[Any]:
        """What the server says of each item, in order.

        Raises RefusedError where asking again is of no use, RewardServerError where no server gave
        an answer within `patience_s` (0: each is asked once), and CancelledError when closed.
        """
        # What the server has no verdict of by then it says, before we stop listening.
        deadline_s = max(self._timeout_s - _MARGIN_S, self._timeout_s / 2)
        body = b'{"deadline_s":%g,"items":[%b]}' % (deadline_s, b",".join(items))
        end = time.monotonic() + self._patience_s
        last = "all of them asked for more time"
        while True:
            url, pause_s = self._servers.choose()
            if pause_s > max(0.0, end - time.monotonic()):
                raise RewardServerError(self._gave_up(last))
            if self._closed.wait(pause_s):
                raise CancelledError
            try:
                response = self._post(url, body)
            except _TransientError as failure:
                last = f"{url}: {failure}"
                if rest_s := self._servers.failed(url, failure.wait_s):
                    _logger.warning("reward server %s; it is left alone for %.1f s", last, rest_s)
            else:
                self._servers.worked(url)
                return self._grades(url, response, len(items))

    def close(self) -> None:
        if "_http" in vars(self):
            self._http.close()

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {self._token}"} if self._token else {}),
            },
            timeout=httpx.Timeout(self._timeout_s, connect=_CONNECT_TIMEOUT_S),
        )

    def _post(self, url: str, body: bytes) -> httpx.Response:
        """Raises _TransientError or RefusedError for all but status 200."""
        try:
            response = self._http.post(f"{url}/grade", content=body)
        except httpx.RequestError as error:
            raise _TransientError(f"{type(error).__name__}: {error}") from error
        if response.status_code == 200:
            return response
        message, where = self._message(response)
        reason = f"HTTP {response.status_code}: {message}" + (f" ({where})" if where else "")
        if response.status_code in _TRANSIENT:
            raise _TransientError(reason, _retry_after_s(response))
        raise RefusedError(
            f"reward server {url}: {reason}{self._hint(response.status_code, where)}",
            may_be_one=_may_be_one(response.status_code, where),
        )

    def _grades(self, url: str, response: httpx.Response, num_items: int) -> list[Any]:
        try:
            grades = response.json()["grades"]
        except (ValueError, LookupError, TypeError) as error:
            text = self._shown(response.text)
            raise RefusedError(
                f"reward server {url} gave no grades, but {text!r}; {_WHICH_ADDRESS}"
            ) from error
        if not isinstance(grades, list) or len(grades) != num_items:
            raise RefusedError(f"reward server {url} did not give {num_items} grades, one an item")
        return grades

    def _message(self, response: httpx.Response) -> tuple[str, str | None]:
        """What is wrong, and where in the request; None where no reward server has said it."""
        try:
            answer = response.json()
            return self._shown(str(answer["error"])), str(answer["where"])
        except (ValueError, LookupError, TypeError):
            return repr(self._shown(response.text)), None

    def _shown(self, text: str) -> str:
        text = text.replace(self._token, "***") if self._token else text
        return text[:_SHOWN_CHARS]

    def _hint(self, status: int, where: str | None) -> str:
        if where is None or (status == 404 and not where):
            return f"; {_WHICH_ADDRESS}"
        if status == 401:
            state = "was sent" if self._token else "is not set"
            return f"; the token, from the environment variable {TOKEN_VARIABLE}, {state}"
        return ""

    def _gave_up(self, last: str) -> str:
        urls = ", ".join(self._servers.urls)
        return f"no answer from {urls} within {self._patience_s:g} s; at last {last}"


_WHICH_ADDRESS = "the address must be that of `evalkit serve` alone, as http://HOST:PORT"


def _may_be_one(status: int, where: str | None) -> bool:
    return where is not None and (status in _ABOUT_AN_ITEM or bool(where))


def _retry_after_s(response: httpx.Response) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0.0
