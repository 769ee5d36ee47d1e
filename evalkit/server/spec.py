"""What a user asks of the reward server: the fields are keys of a YAML file and options of `evalkit serve`."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.configs import checked_fields, load_yaml
from evalkit.graders.addresses import TOKEN_VARIABLE
from evalkit.spec import GRADERS, UNCLOSED_THINKING
from evalkit.types import UsageError, unknown

WHEN_FULL = ("refuse", "wait")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSpec:
    """One reward server. Any address but this machine's own needs a token, or `insecure`.

    `graders` are those for targets that come with a request; those of `tasks` are there, too.
    `thinking_opened` holds for completions that do not say whether their prompt ended inside
    `<think>`. `fallback` is the score where the grader failed and a trainer's contract has no way
    to say so.

    At most `max_waiting` items are in the server; when it is full, requests wait or are refused
    (429). A request is answered after `deadline_s` with what there is. `drain_s` is the time for
    requests under way when the server is stopped, `body_s` for a body to arrive.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    tasks: tuple[str, ...] = ()
    protocol: str | None = None
    graders: tuple[str, ...] = ("math",)
    data_dir: Path | None = None
    problems: Path | None = None
    token_file: Path | None = None
    insecure: bool = False
    thinking_opened: bool = False
    unclosed_thinking: str = "no_answer"
    grader_workers: int | None = None
    fallback: float = 0.0
    when_full: str = "wait"
    max_waiting: int = 20_000
    max_batch: int = 10_000
    max_body_mib: int = 64
    max_completion_chars: int = 4_000_000
    deadline_s: float = 100.0
    body_s: float = 30.0
    drain_s: float = 30.0

    def __post_init__(self) -> None:
        for grader in self.graders:
            if grader not in GRADERS:
                raise unknown("grader", grader, list(GRADERS))
        if not self.graders and not self.tasks:
            raise UsageError("graders is empty and there are no tasks: nothing could be graded")
        if self.when_full not in WHEN_FULL:
            raise unknown("when_full", self.when_full, list(WHEN_FULL))
        if self.unclosed_thinking not in UNCLOSED_THINKING:
            raise unknown("unclosed_thinking", self.unclosed_thinking, list(UNCLOSED_THINKING))
        if not 0 <= self.port <= 65535:
            raise UsageError(f"port={self.port}, but a port is a number from 0 to 65535")
        if not 0 <= self.fallback <= 1:
            raise UsageError(f"fallback={self.fallback}, but a score is a number from 0 to 1")
        self._check_positive()

    def _check_positive(self) -> None:
        names = ("max_waiting", "max_batch", "max_body_mib", "max_completion_chars")
        for name in (*names, "deadline_s", "body_s", "drain_s", "grader_workers"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name}={value}, but it must be a number above 0")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def token(self) -> str | None:
        """Of `token_file`, else of the environment. Raises UsageError where one is needed."""
        found = self._given_token()
        if found is None and not (self.is_local or self.insecure):
            raise UsageError(
                f"host={self.host} can be reached from other machines: name a file with a token by "
                f"--token-file, set {TOKEN_VARIABLE}, or say --insecure"
            )
        return found

    def _given_token(self) -> str | None:
        source = str(self.token_file) if self.token_file else TOKEN_VARIABLE
        if self.token_file:
            try:
                text = self.token_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"cannot read the token in {source}: {error}") from error
        else:
            text = os.environ.get(TOKEN_VARIABLE, "").strip()
            if not text:
                return None
        if not text or not (text.isascii() and text.isprintable()) or " " in text:
            raise UsageError(f"{source} holds no token: printable ASCII without blanks")
        return text


def make_serve_spec(explicit: Mapping[str, Any], config: Path | None = None) -> ServeSpec:
    """A spec from what the command line gave (it wins) and a YAML file."""
    given = checked_fields(ServeSpec, explicit, "serve")
    in_file = checked_fields(ServeSpec, load_yaml(config), str(config)) if config else {}
    values = {**in_file, **given}
    for name in ("tasks", "graders"):
        if name in values:
            values[name] = tuple(
                one.strip() for text in values[name] for one in text.split(",") if one.strip()
            )
    return ServeSpec(**values)
