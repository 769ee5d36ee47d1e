"""Fixtures that several test modules share."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalkit.resources import resource_dir

if TYPE_CHECKING:
    from docker import DockerClient

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real benchmarks and responses; tests that need them are skipped where they are absent."""
    path = Path(os.environ.get("EVALKIT_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no benchmark data at {path} (set EVALKIT_TEST_DATA)")
    return path


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    return resource_dir("tasks") / "demo" / "checkpoint"


@pytest.fixture
def make_task(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small task of the user's own and returns its YAML file."""
    from evalkit.data import Row, canonical_bytes

    def make(num_problems: int = 3, *, name: str = "sums", n: int = 2) -> Path:
        import hashlib

        rows = [Row(str(i), f"What is {i} + {i}?", str(2 * i)) for i in range(num_problems)]
        data = tmp_path / f"{name}.jsonl"
        lines = [json.dumps({"id": r.id, "question": r.question, "answer": r.answer}) for r in rows]
        data.write_text("\n".join(lines) + "\n")
        task = tmp_path / f"{name}.yaml"
        task.write_text(
            f"title: Sums\ndescription: Doubles of small numbers.\ngrader: math\nn: {n}\n"
            f'prompt: "{{problem}}"\nsampling: {{max_tokens: 16}}\n'
            f"data:\n  file: {data.name}\n  bundled: true\n  num_problems: {num_problems}\n"
            f"  sha256: {hashlib.sha256(canonical_bytes(rows)).hexdigest()}\n"
            f"  columns: {{id: id, question: question, answer: answer}}\n"
        )
        return task

    return make


@pytest.fixture
def make_recording(tmp_path: Path) -> Callable[..., Path]:
    """Writes completions of the task of `make_task`: sample 0 is right, the others are wrong."""

    def make(num_problems: int = 3, *, n: int = 2, name: str = "recording") -> Path:
        path = tmp_path / f"{name}.jsonl"
        rows = [
            {
                "problem_id": str(i),
                "text": rf"So it is \boxed{{{2 * i if index == 0 else 2 * i + 1}}}.",
                "finish_reason": "stop",
                "num_tokens": 7,
            }
            for i in range(num_problems)
            for index in range(n)
        ]
        path.write_text("\n".join(map(json.dumps, rows)) + "\n")
        return path

    return make


@pytest.fixture(scope="session")
def hub_row() -> Callable[..., dict[str, str]]:
    """Makes a problem in the schema of LiveCodeBench's hub files from pairs of input and output."""

    def make(name: str, *cases: tuple[str, str], **metadata: str) -> dict[str, str]:
        return {
            "question_title": name,
            "question_content": "Add.",
            "platform": "atcoder",
            "question_id": name,
            "contest_id": "c",
            "contest_date": "2025-01-01T00:00:00",
            "starter_code": "",
            "difficulty": "easy",
            "public_test_cases": json.dumps([{"input": a, "output": b} for a, b in cases]),
            "private_test_cases": "[]",
            "metadata": json.dumps(metadata),
        }

    return make


@pytest.fixture(scope="session")
def sandbox_client() -> "Iterator[DockerClient]":
    """A connection to Docker where a daemon answers and the sandbox image exists; a skip elsewhere.

    With EVALKIT_REQUIRE_DOCKER=1, as in CI, it is a failure instead.
    """
    from evalkit.sandbox.client import connect
    from evalkit.sandbox.image import find_image
    from evalkit.types import SandboxError

    client = None
    try:
        client = connect()
        find_image(client)
    except SandboxError as error:
        if client:
            client.close()
        if os.environ.get("EVALKIT_REQUIRE_DOCKER"):
            pytest.fail(f"EVALKIT_REQUIRE_DOCKER is set, but: {error}")
        pytest.skip(f"{error}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def vectors_file() -> Path:
    """The expected values of losses and rewards; tests that need them are skipped without."""
    beside = ROOT.parent / "shared" / "reference" / "policy_loss_vectors.json"
    path = Path(os.environ.get("EVALKIT_TEST_VECTORS", beside))
    if not path.is_file():
        pytest.skip(f"no vectors at {path} (set EVALKIT_TEST_VECTORS)")
    return path
