"""Where reward servers are: what users may write, and which one to ask next."""

import os
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from evalkit.types import UsageError

TOKEN_VARIABLE = "EVALKIT_TOKEN"
_FIRST_REST_S = 0.5
_LONGEST_REST_S = 30.0
_jitter = random.Random()  # its own: a seeded global generator stays as it is


def server_urls(urls: Sequence[str]) -> tuple[str, ...]:
    """Addresses without what is added to them for a request; each text may hold several, by commas.

    Raises UsageError for what is no address, and for one with a password, which would be shown.
    """
    texts = [one.strip() for text in urls for one in text.split(",") if one.strip()]
    return tuple(dict.fromkeys(map(_checked, texts)))


def server_token(token: str | None) -> str | None:
    """`token`, else that of EVALKIT_TOKEN, else None. Raises UsageError, without showing it."""
    source = "token" if token else TOKEN_VARIABLE
    text = (token or os.environ.get(TOKEN_VARIABLE, "")).strip()
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise UsageError(f"{source} holds no token: it must be printable ASCII without blanks")
    return text or None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or "@" in url or parts.query or parts.fragment:
        shown = f"***@{url.rpartition('@')[2]}" if "@" in url else url
        raise UsageError(
            f"reward server {shown!r}: it must be like http://HOST:PORT; a token comes from the "
            f"environment variable {TOKEN_VARIABLE}"
        )
    return url.rstrip("/")


@dataclass(slots=True)
class _State:
    rests_until: float = 0.0
    num_failures: int = 0


class Servers:
    """Takes the servers in turn, but for those that failed: they rest, longer each time.

    Safe from any thread. Times are of the monotonic clock, in seconds.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._states = {url: _State() for url in urls}
        self._order = list(urls)
        self._lock = threading.Lock()

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(self._states)

    def choose(self) -> tuple[str, float]:
        """The server to ask next, and for how long it still rests: 0 where any is ready."""
        now = time.monotonic()
        with self._lock:
            url = min(self._order, key=lambda one: max(self._states[one].rests_until, now))
            self._order.remove(url)
            self._order.append(url)
            return url, max(0.0, self._states[url].rests_until - now)

    def failed(self, url: str, at_least_s: float = 0.0) -> float:
        """It rests from half a second up to half a minute, or for as long as it asked for.

        Returns for how long, or 0 where it is resting already: another thread has said so.
        """
        now = time.monotonic()
        with self._lock:
            state = self._states[url]
            if state.rests_until > now:
                return 0.0
            longest_s = min(_LONGEST_REST_S, _FIRST_REST_S * 2**state.num_failures)
            own_s = _jitter.uniform(longest_s / 2, longest_s)
            rest_s = max(own_s, at_least_s * _jitter.uniform(1, 1.25))
            state.num_failures += 1
            state.rests_until = now + rest_s
            return rest_s

    def worked(self, url: str) -> None:
        with self._lock:
            self._states[url].num_failures = 0
