"""Requests of other kinds than grading, and what is wrong with the answers: `/run_code`, bad requests."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from serve_checks import GRADER_ERROR, WRONG
from serve_http import NDJSON, Reply, message
from serve_items import Item

from evalkit.graders.compare import same_text
from evalkit.graders.program import find_program
from evalkit.types import InlineTests, Verdict

BAD: Mapping[str, bytes] = {
    "not JSON": message("/grade", b'{"items": ['),
    "not UTF-8": message("/grade", b'{"items": [{"target": "1", "completion": "\xff"}]}'),
    "deep": message("/grade", b"[" * 100_000),
    "NaN": message("/grade", b'{"items": [], "deadline_s": NaN}'),
    "unknown field": message("/grade", b'{"items": [], "itmes": []}'),
    "no target": message("/grade", b'{"items": [{"completion": "1"}]}'),
    "unknown task": message(
        "/grade", b'{"items": [{"task": "../x", "problem_id": "1", "completion": ""}]}'
    ),
    "other type": message("/grade", b'{"items": []}', kind="text/plain"),
    "no such path": message("/../etc/passwd", b"{}"),
    "bad line": message("/grade/stream", b'{"target": 1}\n', kind=NDJSON),
}


def refusal_faults(name: str, reply: Reply) -> Counter[str]:
    """Of the answer to a request in BAD: it has to say what is wrong, and where."""
    is_refused = 400 <= reply.status < 500 or name == "bad line"
    try:
        says_why = {"error", "where"} <= reply.json().keys()
    except (ValueError, AttributeError):
        says_why = False
    return Counter() if is_refused and says_why else Counter({f"accepted: {name}": 1})


def reads_stdin(item: Item) -> bool:
    """Whether `/run_code` has something to run: a right program that is no function."""
    tests = item.problem.target
    is_right = item.expected.get("verdict") == Verdict.CORRECT
    return is_right and isinstance(tests, InlineTests) and not tests.fn_name


def run_code_message(item: Item) -> bytes:
    """The first test of a program, in the shape of Sandbox Fusion."""
    assert isinstance(item.problem.target, InlineTests)
    fields: dict[str, Any] = {
        "code": find_program(item.sample, item.problem.target.extraction).code,
        "stdin": item.problem.target.inputs[0],
        "language": "python",
        "compile_timeout": 10,
        "run_timeout": 10,
        "memory_limit_MB": 1024,
        "files": {},
        "fetch_files": [],
    }
    return message("/run_code", json.dumps(fields).encode())


def run_code_faults(item: Item, reply: Reply) -> Counter[str]:
    """A failure of the sandbox is a grader error; any other answer than the expected is wrong."""
    assert isinstance(item.problem.target, InlineTests)
    found = reply.json()
    if found["status"] == "SandboxError":
        return Counter({GRADER_ERROR: 1})
    output = (found["run_result"] or {}).get("stdout", "")
    is_right = found["status"] == "Success" and same_text(item.problem.target.outputs[0], output)
    return Counter() if is_right else Counter({WRONG: 1})
