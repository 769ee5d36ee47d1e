"""A small HTTP server that plays a reward server, and what can go wrong with one."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from evalkit.graders.pool import profile_name
from evalkit.graders.remote import RemotePool
from evalkit.graders.wire import grade_fields
from evalkit.grading import sample_of
from evalkit.types import Answer, Grade, Problem, Verdict

Reply = Callable[["Handler", dict[str, Any]], None]


@dataclass
class Script:
    """The replies to the first requests; all others are graded. What was asked is kept."""

    replies: list[Reply] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    url: str = ""

    @property
    def batches(self) -> list[list[str]]:
        return [[item["completion"] for item in one["items"]] for one in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    script: Script

    def do_POST(self) -> None:
        script = self.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script.requests.append(body)
        script.headers.append(dict(self.headers))
        script.times.append(time.monotonic())
        reply = script.replies.pop(0) if script.replies else graded
        reply(self, body)

    def send(self, status: int, content: Any, kind: str = "application/json", **more: str) -> None:
        data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **more}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """The tests say what they want to know."""


def grade_of_item(item: dict[str, Any]) -> dict[str, Any]:
    """The completion is the score; `late` is what the server had no time for."""
    text = item["completion"]
    if text == "late":
        grade = Grade(verdict=Verdict.GRADER_ERROR, score=None, rule="deadline", detail="100 s")
    else:
        verdict = Verdict.CORRECT if float(text) else Verdict.WRONG
        grade = Grade(verdict=verdict, score=float(text))
    return {
        "id": None,
        **grade_fields(grade),
        "grader": item["grader"],
        "profile": profile_name("no_answer", item["grader"]),
    }


def graded(handler: Handler, body: dict[str, Any]) -> None:
    handler.send(200, {"grades": [grade_of_item(item) for item in body["items"]]})


def status(code: int, error: str = "not now", where: str = "", **headers: str) -> Reply:
    """An error in the form of the reward server."""
    return lambda handler, _: handler.send(code, {"error": error, "where": where}, **headers)


def answer(content: Any, code: int = 200, kind: str = "application/json") -> Reply:
    return lambda handler, _: handler.send(code, content, kind)


def cut(handler: Handler, _: dict[str, Any]) -> None:
    """The connection ends without an answer."""
    handler.close_connection = True


def half(handler: Handler, _: dict[str, Any]) -> None:
    """The connection ends in the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"grades": [')
    handler.close_connection = True


def after(event: Event, reply: Reply = graded) -> Reply:
    """Once something has happened, or after ten seconds."""

    def wait(handler: Handler, body: dict[str, Any]) -> None:
        event.wait(10)
        reply(handler, body)

    return wait


@contextmanager
def scripted(*replies: Reply) -> Iterator[Script]:
    script = Script(list(replies))
    kind = type("Scripted", (Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def always(reply: Reply, num: int = 1000) -> list[Reply]:
    return [reply] * num


PROBLEM = Problem("1", (), Answer("1"))


def submit(pool: RemotePool, text: str = "1") -> "Future[Grade]":
    return pool.submit(PROBLEM, sample_of(text))


def score(pool: RemotePool, text: str = "1") -> float | None:
    return pool.grade(PROBLEM, sample_of(text)).score
