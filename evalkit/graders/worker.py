"""A worker: JSON lines in and out over a socket, one request at a time.

It may crash, hang or run out of memory; it is killed from outside. An exception ends the request
and the process, because SymPy's caches may be in any state after it. Python's own limit on
recursion holds.
"""

import json
import math
import os
import resource
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalkit.maths import profiles
from evalkit.maths.compare import compare, explain
from evalkit.maths.patience import TooSlowError, limited_cpu
from evalkit.maths.types import Comparison

# Beyond the deadline, so that it ends only workers that nobody else can end.
_CPU_SLACK_S = 2
_LAST_RUNGS = ("math-verify", "guard")  # of our own grader, which refuses what they cannot decide
_FOREIGN_LIMIT_S = 4.0  # below the pool's deadline, which is for what hangs
# Of each kind of value one, so that what parsers build at their first use is built before a fork.
_WARM_UP = (
    (r"\frac{x+1}{2}", r"\frac{1}{2}(1+x)"),
    (r"\{1, 2\}", "2, 1"),
    ("(0, 1]", r"0 < x \le 1"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(1, 2)"),
)


def serve(channel: socket.socket, memory_mib: int, deadline_s: float) -> None:
    """Answers requests until the socket is closed, or memory is more than half used."""
    os.nice(5)
    largest_mib = (_peak_mib() + memory_mib) // 2
    _limit_memory(memory_mib)
    with channel, channel.makefile("rb") as requests:
        for line in requests:
            _limit_cpu(deadline_s)
            reply = _reply(json.loads(line), largest_mib)
            is_last = "error" in reply or _peak_mib() > largest_mib
            channel.sendall(json.dumps({**reply, "is_last": is_last}).encode() + b"\n")
            if is_last:
                return


def warm_up() -> None:
    """Loads the parsers and fills their tables. For a process of its own.

    SymPy does without NumPy and SciPy there: loading them later, at the limit of memory, hangs.
    """
    sys.modules.update(dict.fromkeys(("numpy", "scipy")))  # type: ignore[arg-type]
    for gold, answer in _WARM_UP:
        compare(gold, answer)
        profiles.grade("math-verify", gold, rf"\boxed{{{answer}}}")


def _compare(gold: str, answer: str, rel_tolerance: float, abs_tolerance: float) -> Any:
    found = compare(gold, answer, rel_tolerance=rel_tolerance, abs_tolerance=abs_tolerance)
    return asdict(found), None


def _grade(profile: str, gold: str, text: str) -> Any:
    """What takes longer than the source allows scores nothing, as it does there."""
    try:
        with limited_cpu(_FOREIGN_LIMIT_S):
            is_equal, answer = profiles.grade(profile, gold, text)
    except TooSlowError:
        return asdict(Comparison(False, "deadline")), None
    return asdict(Comparison(is_equal, profile)), answer


def _explain(gold: str, answer: str, rel_tolerance: float, abs_tolerance: float) -> Any:
    found, rungs, *types = explain(
        gold, answer, rel_tolerance=rel_tolerance, abs_tolerance=abs_tolerance
    )
    return asdict(found), [asdict(rung) for rung in rungs], *types


_CALLS: Mapping[str, Callable[..., Any]] = {
    "compare": _compare,
    "explain": _explain,
    "grade": _grade,
}


def _reply(request: list[Any], largest_mib: int) -> dict[str, Any]:
    name, *arguments = request
    try:
        value = _CALLS[name](*arguments)
    except Exception as error:  # noqa: BLE001 - the boundary where a grader's failure becomes data
        return {"error": f"{type(error).__name__} while comparing"}
    if not value[0]["equal"] and _peak_mib() > largest_mib:
        # Math-Verify takes a MemoryError for "different".
        if name == "grade" or value[0]["rule"] not in _LAST_RUNGS:
            return {"error": "short of memory while comparing"}
        value[0]["rule"] = "guard"
    return {"value": value}


def _limit_memory(memory_mib: int) -> None:
    """Limits the address space to what is used already and what is left of `memory_mib`."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return  # macOS has no such limit; there a worker that took too much is the last to do so
    used = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    limit = used + (memory_mib - _peak_mib()) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit_cpu(deadline_s: float) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(time.process_time() + deadline_s) + _CPU_SLACK_S
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _peak_mib() -> int:
    """The most memory so far. Integers are computed by doubling: half of all is near the end."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)
