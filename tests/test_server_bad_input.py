"""What clients send by mistake or malice: it is refused with what is wrong and where, and the server goes on."""

import json
import logging
import re
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from asgi import listening

from evalkit.server.app import create_app
from evalkit.server.service import Service
from evalkit.server.spec import ServeSpec

JSON = {"content-type": "application/json"}
GOOD = rb'{"target": "1/2", "completion": "\\boxed{0.5}"}'
MIB = 1 << 20
DEEP = 100_000


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    limits = {"max_body_mib": 8, "max_batch": 100, "max_completion_chars": 50_000, "body_s": 2.0}
    with ExitStack() as stack:
        spec = ServeSpec(tasks=("demo",), grader_workers=1, **limits)  # type: ignore[arg-type]
        service = stack.enter_context(Service(spec))
        url = stack.enter_context(listening(create_app(service)))
        yield stack.enter_context(httpx.Client(base_url=url, headers=JSON, timeout=60))


@pytest.fixture(autouse=True)
def _server_goes_on(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """After every attack it grades as before, and has no stack trace in its log."""
    yield
    answer = client.post("/grade", content=b'{"items": [%s]}' % GOOD)
    assert answer.json()["grades"][0]["verdict"] == "correct"
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, error and place; whatever else an error has is a mistake."""
    assert answer.headers["content-type"] == "application/json"
    assert "Traceback" not in answer.text
    assert len(answer.content) < 2_000
    content = answer.json()
    assert content.keys() == {"error", "where"}
    return answer.status_code, content["error"], content["where"]


def items(**fields: object) -> bytes:
    """A batch whose second item has these fields more."""
    item = {"target": "1", "completion": "1", **fields}
    return json.dumps({"items": [{"target": "1", "completion": "1"}, item]}).encode()


NOT_JSON = {
    "nothing": b"",
    "unclosed": b"{",
    "a word": b"items",
    "other quotes": b"{'items': []}",
    "two values": b'{"items": []} {}',
    "a comma at the end": b'{"items": [],}',
    "NUL": b'{"items": [\x00]}',
    "a line break in a text": b'{"items": [], "a": "\n"}',
    "not UTF-8": b'{"items": [{"completion": "\xff\xfe"}]}',
    "a surrogate in UTF-8": b'{"items": [{"completion": "\xed\xa0\x80"}]}',
    "UTF-16": '{"items": []}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"items": []}',
    "deep and open": b'{"items": ' + b"[" * DEEP,
    "deep items": b'{"items": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"items": [], "more": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "deep with surrogates": b'{"items": [], "\\ud800": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "5,000 digits": b'{"items": [], "deadline_s": 1' + b"0" * 5_000 + b"}",
    "digits and surrogates": b'{"deadline_s": 1' + b"0" * 5_000 + b', "\\ud800": 1}',
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_json(client: httpx.Client, name: str) -> None:
    """Neither are things that some parsers take for JSON."""
    status, error, where = refusal(client.post("/grade", content=NOT_JSON[name]))

    assert (status, where) == (400, "")
    assert error.startswith("not JSON: ")


WRONG_FIELDS = [
    (b"null", "Input should be an object, not None", ""),
    (b"[]", "Input should be an object, not list", ""),
    (b"{}", "Field required", "items"),
    (b'{"items": null}', "not None", "items"),
    (b'{"items": {}}', "not dict", "items"),
    (b'{"items": ["x"]}', "Input should be an object, not 'x'", "items[0]"),
    (b'{"items": [], "more": [[]]}', "not permitted, not list", "more"),
    (b'{"items": [], "more": ' + b"[" * 150 + b"]" * 150 + b"}", "not permitted", "more"),
    (b'{"items": ' + b"[" * 150 + b"]" * 150 + b"}", "an object, not list", "items[0]"),
    (b'{"items": [], "deadline_s": "1"}', "a valid number, not '1'", "deadline_s"),
    (b'{"items": [], "deadline_s": true}', "a valid number, not True", "deadline_s"),
    (b'{"items": [], "deadline_s": 0}', "greater than 0, not 0", "deadline_s"),
    (b'{"items": [], "deadline_s": -1e-300}', "greater than 0", "deadline_s"),
    (b'{"items": [], "deadline_s": NaN}', "a finite number, not nan", "deadline_s"),
    (b'{"items": [], "deadline_s": -Infinity}', "a finite number, not -inf", "deadline_s"),
    (b'{"items": [], "deadline_s": 1e400}', "a finite number, not inf", "deadline_s"),
    (b'{"items": [{}]}', "Field required", "items[0].completion"),
    (items(completion=None), "a valid string, not None", "items[1].completion"),
    (items(completion=7), "a valid string, not 7", "items[1].completion"),
    (items(completion=["1"]), "a valid string, not list", "items[1].completion"),
    (items(target=7), "an object, not 7", "items[1].target"),
    (items(target=["7"]), "an object, not list", "items[1].target"),
    (items(target={}), "Field required", "items[1].target.answer"),
    (items(target={"answer": 7}), "a valid string, not 7", "items[1].target.answer"),
    (items(target={"answer": "7", "x": 1}), "not permitted", "items[1].target.x"),
    (
        items(target={"answer": "7", "rel_tolerance": float("nan")}),
        "a finite number, not nan",
        "items[1].target.rel_tolerance",
    ),
    (
        items(target={"answer": "7", "abs_tolerance": -1}),
        "greater than or equal to 0",
        "items[1].target.abs_tolerance",
    ),
    (items(target={"answer": "7", "inputs": []}), "(and", "items[1].target.inputs"),
    (items(target={"inputs": [], "outputs": []}), "at least 1", "items[1].target.inputs"),
    (items(target={"inputs": ["1"], "outputs": []}), "1 inputs, but 0", "items[1].target"),
    (items(target={"inputs": [1], "outputs": ["1"]}), "not 1", "items[1].target.inputs[0]"),
    (
        items(target={"inputs": ["1"], "outputs": ["1"], "time_limit_s": float("inf")}),
        "finite",
        "items[1].target.time_limit_s",
    ),
    (
        items(target={"inputs": ["1"], "outputs": ["1"], "time_limit_s": 1e9}),
        "less than or equal to 60",
        "items[1].target.time_limit_s",
    ),
    (
        items(target={"inputs": ["1"], "outputs": ["1"], "extraction": "../x"}),
        "'archer' or 'last-block', not '../x'",
        "items[1].target.extraction",
    ),
    (items(thinking_opened="yes"), "a valid boolean, not 'yes'", "items[1].thinking_opened"),
    (items(thinking_opened=1), "a valid boolean, not 1", "items[1].thinking_opened"),
    (items(id=7), "a valid string, not 7", "items[1].id"),
    (items(Completion="1"), "not permitted", "items[1].Completion"),
    (items(problem_id="1"), "either problem_id or target", "items[1]"),
    (items(target=None), "either problem_id or target", "items[1]"),
    (items(target=None, problem_id="1"), "needs the task", "items[1]"),
]


@pytest.mark.parametrize(("body", "error", "where"), WRONG_FIELDS, ids=range(len(WRONG_FIELDS)))
def test_wrong_fields(client: httpx.Client, body: bytes, error: str, where: str) -> None:
    """Types are meant: what could be converted is a mistake, too."""
    status, found, place = refusal(client.post("/grade", content=body))

    assert (status, place) == (422, where)
    assert error in found


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/x-ndjson",
        "x" * 5_000,
    ],
)
def test_wrong_content_type(client: httpx.Client, kind: str) -> None:
    """A page in a browser cannot send JSON to this machine without being asked."""
    answer = client.post("/grade", content=b'{"items": []}', headers={"content-type": kind})
    status, error, where = refusal(answer)

    assert (status, where) == (415, "Content-Type")
    assert "application/json is needed" in error


@pytest.mark.parametrize(
    "kind", ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8"]
)
def test_right_content_type(client: httpx.Client, kind: str) -> None:
    """However it is written."""
    answer = client.post("/grade", content=b'{"items": []}', headers={"content-type": kind})

    assert answer.json() == {"grades": []}


@pytest.mark.parametrize(
    ("fields", "where", "known"),
    [
        ({"task": "other"}, "task", "it has: demo"),
        ({"task": ""}, "task", "it has: demo"),
        ({"task": "DEMO"}, "task", "it has: demo"),
        ({"task": "\ud800"}, "task", "it has: demo"),
        ({"task": "x" * 40_000}, "task", "it has: demo"),
        ({"task": "demo", "target": None, "problem_id": "200"}, "problem_id", "it has: 0, 1, 2, "),
        ({"task": "demo", "target": None, "problem_id": ""}, "problem_id", "it has: 0, 1, 2, "),
        ({"task": "demo", "target": None, "problem_id": "1 "}, "problem_id", "it has: 0, 1, 2, "),
        ({"grader": "code"}, "grader", "it has: math"),
        ({"grader": "math-verify"}, "grader", "it has: math"),
        ({"grader": "\n"}, "grader", "it has: math"),
        ({"target": {"inputs": ["1"], "outputs": ["1"]}}, "grader", "it has: math"),
    ],
    ids=range(12),
)
def test_what_the_server_does_not_have(
    client: httpx.Client, fields: dict[str, object], where: str, known: str
) -> None:
    """The error lists what it has."""
    status, error, place = refusal(client.post("/grade", content=items(**fields)))

    assert (status, place) == (404, f"items[1].{where}")
    assert known in error


@pytest.mark.parametrize(
    "name", [b"\\n\\u001b[31mERROR", b"\\ud800", b"\\u0000", b"k" * 100_000, b'\\"}'], ids=repr
)
def test_a_key_is_shown_as_far_as_it_helps(
    client: httpx.Client, caplog: pytest.LogCaptureFixture, name: bytes
) -> None:
    """It can have any length and hold anything; logs are for people and terminals."""
    answer = client.post("/grade", content=b'{"items": [], "%s": 1}' % name)
    status, _, where = refusal(answer)

    assert status == 422
    assert where.isprintable()
    assert all(one.getMessage().isprintable() for one in caplog.records)


# --- any value in any place

REQUESTS: dict[str, dict[str, Any]] = {
    "/grade": {
        "items": [
            {
                **{"task": "demo", "problem_id": "1", "completion": "1", "id": "a"},
                **{"grader": "math", "thinking_opened": True, "finish_reason": "stop"},
                "tests_sha256": "0",
            },
            {"target": {"answer": "1", "rel_tolerance": 0.1}, "completion": "1"},
            {"target": {"inputs": ["1"], "outputs": ["1"], "fn_name": "f"}, "completion": "1"},
        ],
        "deadline_s": 5,
    },
    "/get_reward": {"query": ["q"], "prompts": ["p"], "labels": ["1"]},
    "/get_reward/demo": {"query": ["q"], "prompts": ["p"], "labels": ["1"]},
    "/slime": {"prompt": "p", "response": "1", "label": "1"},
    "/slime/demo": {"prompt": "p", "response": "1", "label": "1"},
    "/run_code": {"code": "1", "stdin": "x", "language": "python", "run_timeout": 1, "files": {}},
    "/seed_session": {},
    "/verify": {
        "responses_create_params": {"input": "p"},
        "response": {
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "1"}]}],
            "usage": {"input_tokens": 1},
        },
        "expected_answer": "1",
        "verifier_metadata": {"unit_tests": {"inputs": ["1"], "outputs": ["2"]}},
    },
    "/aggregate_metrics": {"verify_responses": [{"reward": 1.0, "_ng_task_index": 0}]},
}
ODD = [
    *("\ud800", "\x00\n\x1b[31m", "x" * 60_000, '{"inputs": 1}', "[[", "../../etc/passwd"),
    *(float("nan"), float("-inf"), 10**400, -1, True, None, [None], {"\ud800": {"\n": 1}}),
]


def places(value: Any) -> Iterator[list[Any]]:
    """The value itself, and all that is in it."""
    yield []
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from ([key, *rest] for rest in places(value[key]))


def with_value(request: Any, place: list[Any], value: Any) -> Any:
    if not place:
        return value
    key, *rest = place
    changed = request.copy()
    changed[key] = with_value(request[key], rest, value)
    return changed


@pytest.mark.parametrize("path", REQUESTS)
def test_no_value_breaks_an_endpoint(client: httpx.Client, path: str) -> None:
    """It is read, or refused in words that can be shown; nothing fails."""
    request = REQUESTS[path]
    for place in places(request):
        for value in ODD:
            answer = client.post(path, content=json.dumps(with_value(request, place, value)))
            assert answer.status_code < 500, (place, value)
            if answer.status_code != 200:
                _, error, where = refusal(answer)
                assert (error + where).isprintable(), (place, value)


# --- names


@pytest.fixture(scope="session")
def opened() -> Callable[[], list[str]]:
    """Starts to write down which files this process opens; called, it says which since then."""
    names: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes):
            names.append(str(arguments[0]))

    sys.addaudithook(hook)

    def since() -> list[str]:
        found = names.copy()
        names.clear()
        return found

    return since


@pytest.mark.parametrize("field", ["task", "problem_id", "grader", "id", "tests_sha256"])
@pytest.mark.parametrize(
    "name",
    [
        "{secret}",
        "../../../../../../../../{secret}",
        "demo/../../{secret}",
        "file://{secret}",
        "{secret}\x00.yaml",
        "..\\..\\{secret}",
        "%2e%2e/{secret}",
        "~/{secret}",
        "$HOME/{secret}",
    ],
)
def test_no_name_reaches_the_file_system(
    client: httpx.Client, opened: Callable[[], list[str]], tmp_path: Path, field: str, name: str
) -> None:
    """Not even where a file of that name exists."""
    secret = tmp_path / "very-secret.yaml"
    secret.write_text("title: secret")
    text = name.format(secret=secret)
    item = {"task": "demo", "problem_id": "1", "completion": "2", field: text}
    opened()
    answer = client.post("/grade", json={"items": [item]})

    assert answer.status_code in (200, 404)
    assert [one for one in opened() if "secret" in one] == []


@pytest.mark.parametrize(
    "path",
    [
        "/very-secret",
        "/docs/very-secret",
        "/grade/very-secret",
        "/%2e%2e/%2e%2e/very-secret",
        "/..%2f..%2fvery-secret",
        "/very-secret%00",
        "/%0aERROR%20very-secret",
        "/grade/",
        "/Grade",
        "//grade",
    ],
)
def test_no_path_reaches_the_file_system(
    client: httpx.Client, opened: Callable[[], list[str]], path: str
) -> None:
    """A path is an endpoint or nothing."""
    opened()
    status, error, _ = refusal(client.post(path, content=b'{"items": []}'))

    assert status == 404
    assert "/docs" in error
    assert [one for one in opened() if "secret" in one] == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_wrong_method(client: httpx.Client, method: str) -> None:
    """The answer says which one is right."""
    answer = client.request(method, "/grade")

    assert refusal(answer)[0] == 405
    assert answer.headers["allow"] == "POST"


# --- sizes


def test_too_many_items(client: httpx.Client) -> None:
    """Of one request; a stream takes any number."""
    body = b'{"items": [%s]}' % b",".join([GOOD] * 101)
    status, error, where = refusal(client.post("/grade", content=body))

    assert (status, where) == (413, "items")
    assert "101 items; this server takes 100" in error


def test_a_completion_that_is_too_long(client: httpx.Client) -> None:
    """One character more than there may be."""
    fits = client.post("/grade", content=items(completion="1" * 50_000))
    status, error, where = refusal(client.post("/grade", content=items(completion="1" * 50_001)))

    assert fits.status_code == 200
    assert (status, where) == (413, "items[1].completion")
    assert "50,001 characters" in error


@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_hundred_megabytes(client: httpx.Client, is_chunked: bool) -> None:
    """Whether or not the body says how long it is."""
    part = bytes(MIB)

    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield part

    headers = {} if is_chunked else {"content-length": str(100 * MIB)}
    try:
        answer = client.post("/grade", content=parts(), headers=headers)
    except httpx.WriteError:
        return  # the server has answered and closed the connection
    status, error, where = refusal(answer)

    assert (status, where) == (413, "")
    assert "8,388,608 bytes" in error


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b'{"items": [' + b"1," * 2_000_000 + b"1]}", {413}),
        (b'{"items": [' + b"{}," * 1_000_000 + b"{}]}", {413}),
        (b'{"items": [], "x": [' + b"[[[[]]]]," * 500_000 + b"1]}", {413}),
        (b'{"items": [], "x": "' + b",[{" * 1_000_000 + b'"}', {422}),
        (b'{"items": [' + b"1," * 100_000 + b"1]}", {422}),
        (b'{"items": [{"target": {"inputs": [' + b"1," * 100_000 + b"1]}}]}", {422}),
        (b'{"items": [{"target": {"outputs": [' + b"1," * 100_000 + b"1]}}]}", {422}),
        (b'{"items": [' + b'"' * 1_000_000, {400}),
        (b'{"items": [' + b'"\\' * 1_000_000, {400}),
    ],
    ids=range(9),
)
def test_bodies_of_many_values(client: httpx.Client, body: bytes, statuses: set[int]) -> None:
    """Each takes hundreds of bytes once it is read; the first error is enough."""
    status, error, _ = refusal(client.post("/grade", content=body))

    assert status in statuses
    assert re.search(r"\d{3,} more", error) is None


@pytest.mark.parametrize("ids", [["a", "a"], ["a", None, "b", None, "a"], ["", ""]])
def test_ids_that_are_there_twice(client: httpx.Client, ids: list[str | None]) -> None:
    """A client could not tell their grades apart."""
    batch = [{"id": one, "target": "1", "completion": "1"} for one in ids]
    status, error, where = refusal(client.post("/grade", json={"items": batch}))

    assert (status, where) == (422, "items")
    assert repr(ids[0]) in error


@pytest.mark.parametrize("in_surrogates", [True, False])
def test_of_equal_keys_the_last_counts(client: httpx.Client, in_surrogates: bool) -> None:
    """As Python reads them, whichever parser is needed."""
    mark = rb"\ud800" if in_surrogates else b""
    first, second = (b'"completion": "%s\\\\boxed{%s}"' % (mark, one) for one in (b"1", b"2"))
    body = b'{"items": [{"target": "2", %s, %s}]}' % (first, second)
    (grade,) = client.post("/grade", content=body).json()["grades"]

    assert grade["verdict"] == "correct"


# --- connections

HEAD = "POST /grade HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
def connect(client: httpx.Client) -> Iterator[Callable[[], socket.socket]]:
    with ExitStack() as stack:

        def connect() -> socket.socket:
            address = (client.base_url.host, client.base_url.port or 80)
            return stack.enter_context(socket.create_connection(address, 20))

        yield connect


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "P",
        "POST /grade HTTP/1.1\r\nHost:",
        HEAD + "Content-Length: 100\r\n",
        HEAD + "Content-Length: 100\r\n\r\n",
        HEAD + 'Content-Length: 100\r\n\r\n{"items"',
        HEAD + "Transfer-Encoding: chunked\r\n\r\n",
        HEAD + 'Transfer-Encoding: chunked\r\n\r\n8\r\n{"items"\r\n',
        HEAD + "Transfer-Encoding: chunked\r\n\r\n8\r\n{",
        HEAD.replace("grade", "grade/stream").replace("json", "x-ndjson")
        + 'Content-Length: 100\r\n\r\n{"items"',
    ],
    ids=repr,
)
def test_half_a_request(connect: Callable[[], socket.socket], sent: str) -> None:
    """The client goes away before the rest."""
    connection = connect()
    connection.sendall(sent.encode())
    connection.shutdown(socket.SHUT_WR)
    found = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    assert found == b"" or ("stream" in sent and found.endswith(b"\r\n\r\n"))


def test_a_body_that_does_not_come(connect: Callable[[], socket.socket]) -> None:
    """The client stays, and is told after `body_s`."""
    connection = connect()
    connection.sendall((HEAD + 'Content-Length: 100\r\n\r\n{"items"').encode())
    head, _, body = connection.recv(1 << 16).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["error"] == "the body was not there within 2 s"


@pytest.mark.parametrize(
    "sent",
    [
        "\x16\x03\x01\x02",
        "GET / HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "FETCH /grade HTTP/1.1\r\n\r\n",
        HEAD + "Content-Length: -1\r\n\r\n",
        HEAD + "Content-Length: 1e3\r\n\r\n",
        HEAD + f"Content-Length: {'9' * 40}\r\n\r\n",
        HEAD + "Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}",
        HEAD + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        HEAD + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        HEAD + "Content Length: 2\r\n\r\n{}",
    ],
    ids=repr,
)
def test_what_is_not_http(connect: Callable[[], socket.socket], sent: str) -> None:
    """It ends before our endpoints: the web server answers in its own words, and hangs up."""
    connection = connect()
    connection.sendall(sent.encode("latin-1"))
    found = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    assert found.startswith(b"HTTP/1.1 400 ")
    assert found.endswith(b"Invalid HTTP request received.")


def test_an_upgrade_to_another_protocol(connect: Callable[[], socket.socket]) -> None:
    """There is none; the client does not wait for ever."""
    connection = connect()
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    connection.sendall(f"GET /grade HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n".encode())

    assert connection.recv(1 << 16).startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))


def test_many_idle_connections(client: httpx.Client, connect: Callable[[], socket.socket]) -> None:
    """They cost a place each, and nobody an answer."""
    for _ in range(300):
        connect().sendall(b"POST /grade HT")

    assert client.post("/grade", content=b'{"items": [%s]}' % GOOD).status_code == 200


def test_requests_behind_one_another(connect: Callable[[], socket.socket]) -> None:
    """Each gets its answer, in order, whatever became of the one before."""
    connection = connect()
    bodies = [b'{"items": []}', b"{", b'{"items": [%s]}' % GOOD]
    requests = [f"{HEAD}Content-Length: {len(one)}\r\n\r\n".encode() + one for one in bodies]
    connection.sendall(b"".join(requests[:-1]))
    connection.sendall(requests[-1].replace(b"Host", b"Connection: close\r\nHost"))
    found = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    places = [found.find(one) for one in (b'{"grades":[]}', b"not JSON", b'"correct"')]
    assert -1 not in places
    assert places == sorted(places)


def test_many_attackers_and_one_client(client: httpx.Client) -> None:
    """Refusals at the same time as grades do not mix."""
    attacks = [(b"{", 400), (b"null", 422), (items(task="x"), 404), (b'{"items": []}', 200)]

    def attack(number: int) -> bool:
        body, status = attacks[number % len(attacks)]
        return client.post("/grade", content=body).status_code == status

    def grade(number: int) -> bool:
        item = {"id": str(number), "target": str(number), "completion": rf"\boxed{{{number}}}"}
        (found,) = client.post("/grade", json={"items": [item]}).json()["grades"]
        return bool((found["id"], found["score"]) == (str(number), 1.0))

    with ThreadPoolExecutor(8) as threads:
        found = [threads.submit(call, i) for i in range(60) for call in (attack, grade)]
        assert all(one.result() for one in found)
