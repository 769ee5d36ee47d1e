"""Requests for items, and what is wrong with the answers to them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from serve_http import NDJSON, Reply, message
from serve_items import Item, judged

GRADER_ERROR = "grader_error"
WRONG = "wrong verdict"
LOST = "lost item"
DOUBLED = "doubled item"


def grade_message(items: Sequence[Item]) -> bytes:
    body = {"items": [item.wire(str(number)) for number, item in enumerate(items)]}
    return message("/grade", json.dumps(body).encode())


def batched(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """The last one may be smaller."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def check_all(batches: Iterable[Sequence[Item]], replies: Iterable[Reply]) -> None:
    """Raises SystemExit where an answer is not what in-process grading gave."""
    for batch, reply in zip(batches, replies, strict=True):
        if reply.status != 200:
            raise SystemExit(f"the server answered {reply.status}: {reply.body[:500]!r}")
        if faults := grade_faults(batch, reply):
            raise SystemExit(f"not as in process: {dict(faults)} in {reply.body[:2000]!r}")


def stream_message(items: Sequence[Item]) -> bytes:
    lines = [json.dumps(item.wire(str(number))) for number, item in enumerate(items)]
    return message("/grade/stream", "\n".join(lines).encode(), kind=NDJSON)


def grade_faults(items: Sequence[Item], reply: Reply) -> Counter[str]:
    """By kind; empty where every item has its grade, in order. The reply has the status 200."""
    grades = reply.json()["grades"]
    faults = _miscounted([grade["id"] for grade in grades], len(items))
    if [grade["id"] for grade in grades] == [str(number) for number in range(len(items))]:
        faults.update(grade_fault(item, one) for item, one in zip(items, grades, strict=True))
    return +faults - Counter({"": len(items)})


def stream_faults(items: Sequence[Item], reply: Reply) -> Counter[str]:
    """As `grade_faults`, for an answer in any order with the number of items as its last line."""
    *grades, last = (json.loads(line) for line in reply.body.splitlines())
    faults = _miscounted([grade["id"] for grade in grades], len(items))
    faults["stream cut short"] = int(last != {"num_items": len(items)})
    faults["misplaced item"] = sum(grade["id"] != str(grade["index"]) for grade in grades)
    faults.update(grade_fault(items[grade["index"]], grade) for grade in grades)
    return +faults - Counter({"": len(items)})


def grade_fault(item: Item, grade: Mapping[str, Any]) -> str:
    """Empty for the grade that is expected. A grader error is no verdict, so it is not wrong."""
    if grade["verdict"] == GRADER_ERROR:
        return GRADER_ERROR
    found = judged(grade)
    others = [name for name, value in item.expected.items() if found[name] != value]
    return f"{WRONG}: other {' and '.join(others)}" if others else ""


def _miscounted(names: Sequence[str], count: int) -> Counter[str]:
    times = Counter(names)
    lost = sum(str(number) not in times for number in range(count))
    return Counter({LOST: lost, DOUBLED: len(names) - len(times)})
