"""The server's own description of itself, and whether it does what that says."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator, ValidationError
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from evalkit.server.app import create_app
from evalkit.server.service import Service
from evalkit.server.spec import ServeSpec

if TYPE_CHECKING:
    from schemathesis import BaseSchema, SerializationContext

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    unsupported_method,
    allow_header_conformance,
]
CHECKS_OF_BODIES = [response_schema_conformance, negative_data_rejection]
READ = ("/health", "/ready", "/metrics", "/reverify_mode")
WRITTEN = (
    "/grade",
    "/grade/stream",
    "/get_reward",
    "/get_reward/{task}",
    "/slime",
    "/slime/{task}",
    "/run_code",
    "/seed_session",
    "/verify",
    "/aggregate_metrics",
)
POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


@schemathesis.serializer("application/x-ndjson")
def one_line(context: "SerializationContext", value: Any) -> bytes:
    """The document describes an item of a stream."""
    return json.dumps(value).encode() + b"\n"


@pytest.fixture(scope="module")
def document() -> Iterator["BaseSchema"]:
    """As a client reads it from a running server."""
    with Service(ServeSpec(tasks=("demo",), grader_workers=1)) as service:
        config = SchemathesisConfig.from_dict({"seed": 1})
        yield schemathesis.openapi.from_asgi("/openapi.json", create_app(service), config=config)


def operations(document: "BaseSchema") -> dict[str, Any]:
    """By path: none has two methods."""
    found: list[Any] = list(document.get_all_operations())
    return {one.ok().path: one.ok() for one in found}


def test_the_document_is_openapi(document: "BaseSchema") -> None:
    """Of version 3.1, and it has all endpoints."""
    document.validate()

    assert document.specification.version.startswith("3.1.")
    assert operations(document).keys() == {*READ, *WRITTEN}


@pytest.mark.parametrize(
    ("path", "mode"),
    [(path, POSITIVE) for path in (*READ, *WRITTEN)] + [(path, NEGATIVE) for path in WRITTEN],
)
def test_the_server_does_what_its_document_says(
    document: "BaseSchema", path: str, mode: GenerationMode
) -> None:
    """A status, a type and fields that the document names; what it forbids is refused.

    A stream has begun to answer before it has read what is wrong, and its lines are looked at below.
    """
    operation = operations(document)[path]
    checks = CHECKS if path == "/grade/stream" else [*CHECKS, *CHECKS_OF_BODIES]

    @settings(
        max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(mode))
    def check(case: Any) -> None:
        case.call_and_validate(checks=checks)

    check()


def test_the_document_says_what_the_lines_of_a_stream_are(document: "BaseSchema") -> None:
    """A grade, how many there were, or what is wrong."""
    raw = document.raw_schema
    reply = raw["paths"]["/grade/stream"]["post"]["responses"]["200"]
    schema = reply["content"]["application/x-ndjson"]["schema"]
    described = Draft202012Validator({**schema, "components": raw["components"]})
    good = {"target": "1", "completion": "1", "id": "a"}
    operation = operations(document)["/grade/stream"]
    lines: list[Any] = []
    for item in (good, {**good, "completion": ""}, {**good, "task": "other"}, {}):
        case = operation.Case(body=item, media_type="application/x-ndjson")
        lines += map(json.loads, case.call().content.splitlines())

    assert sum("score" in line for line in lines) == 2
    assert sum("error" in line for line in lines) == 2
    for line in lines:
        described.validate(line)
        with pytest.raises(ValidationError):
            described.validate({**line, "more": 1})
