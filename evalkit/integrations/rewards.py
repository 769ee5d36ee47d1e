"""Grades of completions that a trainer sends with their labels: in process, or on reward servers."""

import atexit
import logging
import os
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from functools import cache

from evalkit.graders.addresses import server_urls
from evalkit.graders.opening import Pool, open_reward_pool
from evalkit.grading import sample_of
from evalkit.integrations.labels import Label
from evalkit.spec import GRADERS
from evalkit.types import EvalkitError, Grade, Problem, unknown

_logger = logging.getLogger(__name__)
_lock = threading.Lock()
_opened = ExitStack()
_inherited: list[ExitStack] = []


class GraderFailedError(EvalkitError):
    """The grader failed, not the completion: there is no reward."""


def check_settings(grader: str | None, url: str) -> None:
    """Raises UsageError for an unknown grader, or what is no address."""
    if grader is not None and grader not in GRADERS:
        raise unknown("grader", grader, list(GRADERS))
    server_urls([url])


def submit(
    label: Label,
    completion: str,
    *,
    thinking_opened: bool = False,
    finish_reason: str | None = None,
    url: str = "",
) -> "Future[Grade]":
    """Grades in the background, in pools that all calls of this process share, from any thread.

    `url` is the address of a reward server, or several by commas; without one the grading is done
    in process. `thinking_opened`: the prompt ended inside `<think>`. `finish_reason` is "length"
    for a truncated completion.

    Raises UsageError for an unknown grader, one that cannot use this target, and what is no address;
    SandboxError where programs cannot be run here. The future has RewardServerError where no server
    gave a grade.
    """
    sample = replace(
        sample_of(completion),
        task=label.task,
        thinking_opened=thinking_opened,
        finish_reason=finish_reason,
    )
    with _lock:  # the cache alone lets two threads open a pool each
        pool = _pool(label.grader, url)
    return pool.submit(Problem("", (), label.target), sample)


def score_of(grade: Grade, fallback: float | None, completion: str) -> float:
    """The score; where the grader failed `fallback`, with a line in the log.

    `completion` says which one it is. Raises GraderFailedError where there is no fallback.
    """
    if grade.score is not None:
        return grade.score
    message = f"the grader failed on {completion}: {grade.detail}"
    if fallback is None:
        raise GraderFailedError(message)
    _logger.warning("%s; its reward is the fallback %s", message, fallback)
    return fallback


@cache
def _pool(grader: str, url: str) -> Pool:
    pool = open_reward_pool(grader, urls=server_urls([url]))
    _opened.enter_context(pool)
    return pool


def close() -> None:
    """Ends the processes and connections; the next completion starts new ones. Done at exit, too."""
    with _lock:
        _pool.cache_clear()
        _opened.close()


def _forget() -> None:
    """In a forked process, which has none of the threads: the pools are the parent's to end."""
    global _lock, _opened
    _lock = threading.Lock()
    _inherited.append(_opened)
    _opened = ExitStack()
    _pool.cache_clear()


atexit.register(close)
os.register_at_fork(after_in_child=_forget)
