"""`/run_code` as verl's client calls it, with the words of Sandbox Fusion."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from serving import serving

from evalkit.sandbox.owner import OWNER, owner

if TYPE_CHECKING:
    from docker import DockerClient

# What verl 0.9.1 sends.
REQUEST = {
    "compile_timeout": 10,
    "run_timeout": 10,
    "code": "print(input())",
    "stdin": "3 4\n",
    "memory_limit_MB": 1024,
    "language": "python",
    "files": {},
    "fetch_files": [],
}
REPLY_KEYS = {"status", "message", "compile_result", "run_result", "executor_pod_name", "files"}
RESULT_KEYS = {"status", "execution_time", "return_code", "stdout", "stderr"}


@pytest.fixture(scope="module")
def sandboxed(sandbox_client: "DockerClient") -> Iterator[httpx.Client]:
    with (
        serving("--graders", "code") as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Of a server that grades mathematics alone."""
    with serving() as server, httpx.Client(base_url=server.url) as client:
        yield client


def ran(client: httpx.Client, code: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    answer = client.post("/run_code", json=REQUEST | {"code": code} | fields)
    assert answer.status_code == 200, answer.text
    reply = answer.json()
    assert reply.keys() == REPLY_KEYS
    assert reply["run_result"].keys() == RESULT_KEYS
    assert (reply["message"], reply["compile_result"], reply["files"]) == ("", None, {})
    return reply["status"], reply["run_result"]


@pytest.mark.docker
@pytest.mark.parametrize(
    ("code", "status", "return_code", "stdout", "stderr"),
    [
        ("print(input())", "Success", 0, "3 4\n", ""),
        ("", "Success", 0, "", ""),
        ("import sys; sys.exit(3)", "Failed", 3, "", ""),
        ("import sys; print(1, file=sys.stderr)", "Success", 0, "", "1\n"),
        ("print(1); raise ValueError('x')", "Failed", 1, "1\n", "ValueError: x\n"),
        ("def f(:", "Failed", 1, "", "SyntaxError"),
        ("import os; os.kill(os.getpid(), 9)", "Failed", -9, "", ""),
        ("import sys; sys.stdout.buffer.write(b'a\\xff')", "Success", 0, "a\ufffd", ""),
        ("if __name__ == '__main__': print(2)", "Success", 0, "2\n", ""),
    ],
)
def test_a_program_ends_as_in_a_plain_process(
    sandboxed: httpx.Client, code: str, status: str, return_code: int, stdout: str, stderr: str
) -> None:
    """Its exit code and what it wrote come back; only the exit code decides about the status."""
    found, result = ran(sandboxed, code)

    assert (found, result["status"], result["return_code"]) == (status, "Finished", return_code)
    assert result["stdout"] == stdout
    assert stderr in result["stderr"]
    assert stderr or not result["stderr"]


@pytest.mark.docker
@pytest.mark.parametrize(
    "code", ["while True: pass", "import time\ntime.sleep(60)", "print(1, flush=True)\nwhile 1: 1"]
)
def test_the_time_limit_has_a_word_of_its_own(sandboxed: httpx.Client, code: str) -> None:
    """For programs that compute and for those that wait; what they wrote comes back."""
    status, result = ran(sandboxed, code, run_timeout=0.5, compile_timeout=0.5)

    assert (status, result["status"], result["return_code"]) == (
        "Failed",
        "TimeLimitExceeded",
        None,
    )
    assert result["stdout"] == ("1\n" if "print" in code else "")


@pytest.mark.docker
@pytest.mark.parametrize(
    ("limit", "status"), [(64, "Failed"), (400, "Success"), (-1, "Success"), (None, "Success")]
)
def test_a_peak_above_the_memory_limit_counts_as_killed(
    sandboxed: httpx.Client, limit: int | None, status: str
) -> None:
    """The limit is in MiB; a negative one and null are none."""
    found, result = ran(sandboxed, "x = bytearray(150 << 20)", memory_limit_MB=limit)

    assert found == status
    if status == "Failed":
        assert result["return_code"] == 137
        assert "memory_limit_MB is 64" in result["stderr"]


@pytest.mark.docker
def test_output_without_end_counts_as_killed(sandboxed: httpx.Client) -> None:
    """The reason is in stderr."""
    status, result = ran(sandboxed, "while True: print('a' * 1000000)")

    assert (status, result["return_code"]) == ("Failed", 137)
    assert "killed: " in result["stderr"]


@pytest.mark.docker
@pytest.mark.parametrize("stdin", [None, ""])
def test_without_stdin_a_program_reads_nothing(sandboxed: httpx.Client, stdin: str | None) -> None:
    """verl sends null where a test has no input."""
    _, result = ran(sandboxed, "import sys; print(repr(sys.stdin.read()))", stdin=stdin)

    assert result["stdout"] == "''\n"


@pytest.mark.docker
def test_a_program_that_is_too_large_fails_with_the_reason(sandboxed: httpx.Client) -> None:
    """It is the program's failure, not the sandbox's."""
    status, result = ran(sandboxed, "#" * 2_000_001)

    assert (status, result["return_code"]) == ("Failed", 1)
    assert "2,000,001 characters" in result["stderr"]


@pytest.mark.docker
def test_a_sandbox_that_fails_twice_is_an_error_of_ours(sandbox_client: "DockerClient") -> None:
    """With a message, and nothing that looks like a program that ran."""
    from docker.errors import APIError

    request = REQUEST | {"code": "import time; time.sleep(60)", "run_timeout": 60}
    with serving("--graders", "code") as server, ThreadPoolExecutor(1) as threads:
        answer = threads.submit(httpx.post, f"{server.url}/run_code", json=request, timeout=60)
        while not answer.done():
            for container in containers_of(sandbox_client, server.pid):
                with suppress(APIError):
                    container.kill()
            time.sleep(0.3)
        reply = answer.result().json()

    assert answer.result().status_code == 200
    assert reply.keys() == REPLY_KEYS
    assert (reply["status"], reply["run_result"]) == ("SandboxError", None)
    assert reply["message"]


def containers_of(client: "DockerClient", pid: int) -> Any:
    label = f"{OWNER}={owner(pid)}"
    return client.containers.list(filters={"label": label}, ignore_removed=True)


@pytest.mark.docker
def test_no_slot_in_time_is_504(sandbox_client: "DockerClient") -> None:
    """The one status that verl's client tries again, also where the server refuses when full."""
    waiting = REQUEST | {"code": "import time; time.sleep(1)"}
    with (
        serving("--graders", "code", "--max-waiting", "1", "--when-full", "refuse") as server,
        ThreadPoolExecutor(2) as threads,
    ):
        url = f"{server.url}/run_code"
        answers = list(threads.map(lambda _: httpx.post(url, json=waiting), "ab"))

    assert sorted(answer.status_code for answer in answers) == [200, 504]
    refused = next(answer for answer in answers if answer.status_code == 504)
    assert "Retry-After" in refused.headers


@pytest.mark.parametrize(
    ("change", "status", "message", "where"),
    [
        ({"language": "cpp"}, 422, "'cpp' is not available; there is: python", "language"),
        ({"language": "pytest"}, 422, "there is: python", "language"),
        ({"language": None}, 422, "valid string", "language"),
        ({"files": {"a.txt": "YQ=="}}, 422, "stdin", "files"),
        ({"fetch_files": ["a.txt"]}, 422, "stdin", "fetch_files"),
        ({"code": None}, 422, "valid string", "code"),
        ({"run_timeout": "10"}, 422, "valid number", "run_timeout"),
        ({"run_timeout": 0}, 422, "greater than 0", "run_timeout"),
        ({"run_timeout": 1e9}, 422, "less than", "run_timeout"),
        ({"memory_limit_MB": 0.5}, 422, "integer", "memory_limit_MB"),
        ({"stdin": 3}, 422, "valid string", "stdin"),
        ({"cells": []}, 422, "Extra inputs", "cells"),
        ({}, 404, "start it with --graders code", ""),
    ],
)
def test_what_is_not_there_is_refused(
    client: httpx.Client, change: dict[str, Any], status: int, message: str, where: str
) -> None:
    """As Sandbox Fusion refuses a language or a type that it does not know, with 4xx."""
    answer = client.post("/run_code", json=REQUEST | change)

    assert (answer.status_code, answer.json()["where"]) == (status, where)
    assert message in answer.json()["error"]
