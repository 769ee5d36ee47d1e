"""Rows in the schema of LiveCodeBench's hub files, checked, with their tests decoded.

`private_test_cases` is JSON text, or base64 of zlib of a pickle of that text. The pickle is read
as a list of opcodes of which only those of one text are admitted: nothing is ever unpickled.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pickletools import genops
from typing import Any

from evalkit.types import DataError

FIELDS = (
    "question_title",
    "question_content",
    "platform",
    "question_id",
    "contest_id",
    "contest_date",
    "starter_code",
    "difficulty",
    "metadata",
)
TEST_FIELDS = ("public_test_cases", "private_test_cases")
MAX_EXPANDED_BYTES = 2**30
"""Of the private tests of one problem; those of the hub stay far below."""

_TEXT = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_AROUND_TEXT = ("PROTO", "FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP")


@dataclass(frozen=True, slots=True)
class Case:
    """One test: what the program gets, and what is expected of it."""

    input: str
    output: str


@dataclass(frozen=True, slots=True)
class HubRow:
    """One problem; `fields` are those of `FIELDS`, all text, with metadata as JSON text.

    `where` names file, line and problem, for errors.
    """

    id: str
    where: str
    fields: Mapping[str, str]
    public: tuple[Case, ...]
    private: tuple[Case, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """In the order in which they are graded."""
        return self.public + self.private


def parse_row(line: bytes, where: str) -> HubRow:
    """Raises DataError, naming `where` and the problem, for a row that is not as the hub's."""
    values = _json(line, where, "a JSON object")
    if not isinstance(values, dict):
        raise DataError(f"{where}: expected a JSON object, found {line[:60]!r}")
    where = _named(values, where)
    for name in (*FIELDS, *TEST_FIELDS):
        if not isinstance(values.get(name), str):
            found = repr(values[name])[:60] if name in values else f"only {', '.join(values)}"
            raise DataError(f"{where}: expected {name} as text, found {found}")
    _check_fields(values, where)
    return HubRow(
        id=values["question_id"],
        where=where,
        fields={name: values[name] for name in FIELDS},
        public=decode_tests(values["public_test_cases"], f"{where}, public_test_cases"),
        private=decode_tests(values["private_test_cases"], f"{where}, private_test_cases"),
    )


def decode_tests(text: str, where: str, *, max_bytes: int = MAX_EXPANDED_BYTES) -> tuple[Case, ...]:
    """The tests in JSON text or in base64(zlib(pickle(JSON text))).

    Raises DataError for what is neither, for a pickle that holds more than a text, for tests
    larger than `max_bytes` and for inputs and outputs that are not text.
    """
    if not text.lstrip().startswith(("[", "{")):
        text = _only_text(_expand(text, where, max_bytes), where)
    tests = _json(text, where, "a list of tests")
    if not isinstance(tests, list):
        raise DataError(f"{where}: expected a list of tests, found {text[:60]}")
    return tuple(_case(test, f"{where}, test {number}") for number, test in enumerate(tests, 1))


def fn_name(fields: Mapping[str, str]) -> str | None:
    """The function to call; None for a program that reads stdin."""
    name = json.loads(fields["metadata"]).get("func_name")
    return None if name is None else str(name)


def _named(values: Mapping[str, Any], where: str) -> str:
    name = values.get("question_id")
    if not isinstance(name, str) or not name.strip():
        raise DataError(f"{where}: expected a question_id, found {name!r}")
    return f"{where}, problem {name}"


def _check_fields(values: Mapping[str, str], where: str) -> None:
    if not values["question_content"].strip():
        raise DataError(f"{where}: question_content is empty")
    try:
        datetime.fromisoformat(values["contest_date"])
    except ValueError as error:
        raise DataError(
            f"{where}: expected contest_date as 2025-02-01T00:00:00, "
            f"found {values['contest_date']!r}"
        ) from error
    metadata = _json(values["metadata"], f"{where}, metadata", "a JSON object")
    if not isinstance(metadata, dict):
        raise DataError(f"{where}: expected metadata as a JSON object, found {metadata!r}")
    name = metadata.get("func_name")
    if name is not None and not (isinstance(name, str) and name.isidentifier()):
        raise DataError(f"{where}: expected func_name as the name of a function, found {name!r}")


def _case(test: Any, where: str) -> Case:
    if not isinstance(test, dict):
        raise DataError(f"{where}: expected input and output, found {test!r:.60}")
    for name in ("input", "output"):
        if not isinstance(test.get(name), str):
            raise DataError(f"{where}: expected {name} as text, found {test.get(name)!r:.60}")
    return Case(test["input"], test["output"])


def _json(text: str | bytes, where: str, expected: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: expected {expected}: not JSON: {error}") from error


def _expand(text: str, where: str, max_bytes: int) -> bytes:
    expander = zlib.decompressobj()
    try:
        packed = base64.b64decode(text.strip(), validate=True)
        expanded = expander.decompress(packed, max_bytes + 1)
    except (ValueError, zlib.error) as error:
        raise DataError(
            f"{where}: cannot be decoded: neither JSON nor base64 of zlib: {error}"
        ) from error
    if len(expanded) > max_bytes:
        raise DataError(f"{where}: larger than {max_bytes} bytes when expanded")
    if not expander.eof:
        raise DataError(f"{where}: cannot be decoded: the compressed data are cut off")
    return expanded


def _only_text(pickled: bytes, where: str) -> str:
    texts = []
    try:
        for opcode, argument, _ in genops(pickled):
            if opcode.name in _TEXT:
                texts.append(str(argument))
            elif opcode.name not in _AROUND_TEXT:
                raise DataError(
                    f"{where}: the pickle holds {opcode.name}; only one text is admitted"
                )
    except ValueError as error:
        raise DataError(f"{where}: cannot be decoded: not a pickle: {error}") from error
    if len(texts) != 1:
        raise DataError(f"{where}: expected a pickle of one text, found {len(texts)}")
    return texts[0]
