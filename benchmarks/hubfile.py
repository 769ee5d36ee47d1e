"""Files in the schema of LiveCodeBench's hub files, and of `evalkit grade-pairs`, for made-up problems."""

import base64
import json
import pickle
import zlib
from collections.abc import Iterable
from pathlib import Path

_TEXTS = (
    *("question_title", "question_content", "platform", "contest_id"),
    *("starter_code", "difficulty"),
)


def hub_row(name: str, tests: list[dict[str, str]]) -> dict[str, str]:
    """The first test is public; the others are packed as the hub's are."""
    row = dict.fromkeys(_TEXTS, name) | {"question_id": name, "metadata": "{}"}
    packed = zlib.compress(pickle.dumps(json.dumps(tests[1:])), 1)
    return row | {
        "contest_date": "2025-03-01T00:00:00",
        "public_test_cases": json.dumps(tests[:1]),
        "private_test_cases": base64.b64encode(packed).decode(),
    }


def write_rows(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    with path.open("w") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def write_programs(path: Path, pairs: Iterable[tuple[str, str]]) -> Path:
    """Pairs of problem and code."""
    rows = (
        {"id": str(number), "question_id": name, "code": code}
        for number, (name, code) in enumerate(pairs)
    )
    return write_rows(path, rows)
