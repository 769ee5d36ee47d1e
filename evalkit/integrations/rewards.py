"""Grades of completions that a trainer sends with their targets, instead of problem ids."""

import atexit
import dataclasses
import json
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from functools import cache

from evalkit.configs import build
from evalkit.graders.opening import Pool, open_pool
from evalkit.grading import sample_of
from evalkit.spec import CODE_GRADERS
from evalkit.types import Answer, CodeTests, DataError, Grade, Problem, Target

_lock = threading.Lock()
_opened = ExitStack()


def write_target(target: Target) -> str:
    """For a column of a trainer's data: the answer, or where the tests are, as JSON."""
    if isinstance(target, Answer):
        return target.text
    return json.dumps(dataclasses.asdict(target))


def read_target(
    grader: str, text: str, *, rel_tolerance: float = 0.0, abs_tolerance: float = 0.0
) -> Target:
    """What `write_target` wrote, for this grader; the tolerances are those of `Answer`.

    Raises DataError where a grader of programs gets no JSON object, and UsageError where that does
    not have the fields of `CodeTests`.
    """
    if grader not in CODE_GRADERS:
        return Answer(text, rel_tolerance, abs_tolerance)
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise DataError(f"grader {grader!r} needs tests as a JSON object, not {text!r}") from error
    if not isinstance(fields, dict):
        raise DataError(f"grader {grader!r} needs tests as a JSON object, not {text!r}")
    return build(CodeTests, fields, "tests")


def submit(
    grader: str, target: Target, completion: str, *, thinking_opened: bool = False
) -> "Future[Grade]":
    """Grades in the background, in a pool that all calls of this process share, from any thread.

    `thinking_opened`: the prompt ended inside `<think>`. Raises UsageError for an unknown grader or
    one that cannot use this target, and SandboxError where programs cannot be run here.
    """
    sample = replace(sample_of(completion), thinking_opened=thinking_opened)
    with _lock:  # the cache alone lets two threads open a pool each
        pool = _pool(grader)
    return pool.submit(Problem("", (), target), sample)


@cache
def _pool(grader: str) -> Pool:
    pool = open_pool(grader)
    _opened.enter_context(pool)
    return pool


def close() -> None:
    """Ends the processes that grade; the next completion starts new ones. Done at exit, too."""
    with _lock:
        _pool.cache_clear()
        _opened.close()


atexit.register(close)
