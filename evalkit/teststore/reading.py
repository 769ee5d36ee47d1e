"""Read access to a store of tests."""

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from evalkit.hubtests import Case
from evalkit.types import DataError

STORE_VERSION = 1

_PROBLEM = "SELECT id, fields, num_public, num_tests, sha256 FROM problem"


@dataclass(frozen=True, slots=True)
class StoredProblem:
    """`fields` are the hub's but for the tests; `sha256` is taken over the tests."""

    id: str
    fields: Mapping[str, str]
    num_public: int
    num_tests: int
    sha256: str


class Store:
    """Read access to a store; safe from several threads. Used with `with`, or closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self.meta: Mapping[str, str] = self._read_meta()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises DataError for a file that is absent, is no store, or is of another version."""
        return cls(path)

    def ids(self) -> list[str]:
        """In the order of the source."""
        return [str(row[0]) for row in self._rows("SELECT id FROM problem ORDER BY number")]

    def problems(self) -> list[StoredProblem]:
        """In the order of the source, without reading a test."""
        return [_problem(row) for row in self._rows(f"{_PROBLEM} ORDER BY number")]

    def problem(self, problem_id: str) -> StoredProblem:
        return _problem(self._one(_PROBLEM, problem_id))

    def sha256(self, problem_id: str) -> str:
        """Over the inputs and outputs in their order, each as its length and its UTF-8 bytes."""
        return self.problem(problem_id).sha256

    def cases(self, problem_id: str) -> Iterator[Case]:
        """Public tests, then private ones; each is read and expanded when it is asked for."""
        first, count = self._one("SELECT first_test, num_tests FROM problem", problem_id)
        for number in range(first, first + count):
            query = "SELECT input, output FROM test WHERE number = ?"
            ((given, expected),) = self._rows(query, number)
            yield Case(self._text(given), self._text(expected))

    def close(self) -> None:
        """For all threads; what is asked for afterwards opens the file again."""
        with self._lock:
            connections, self._connections = self._connections, []
            self._local = threading.local()
        for connection in connections:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read_meta(self) -> dict[str, str]:
        if not self.path.is_file():
            raise DataError(f"there is no test store {self.path}; load the task again to make it")
        meta = {str(name): str(value) for name, value in self._rows("SELECT * FROM meta")}
        if meta.get("version") != str(STORE_VERSION):
            raise DataError(
                f"{self.path} is a test store of version {meta.get('version')}, but this evalkit "
                f"reads version {STORE_VERSION}; load the task again to make it"
            )
        return meta

    def _one(self, query: str, problem_id: str) -> tuple[Any, ...]:
        rows = self._rows(f"{query} WHERE id = ?", problem_id)
        if not rows:
            raise DataError(f"{self.path} has no problem {problem_id!r}")
        return rows[0]

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection().execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise DataError(f"{self.path} is not a test store, or is damaged: {error}") from error

    def _text(self, packed: bytes) -> str:
        try:
            return zlib.decompress(packed).decode("utf-8", "surrogatepass")
        except (zlib.error, UnicodeDecodeError) as error:
            raise DataError(f"{self.path} is damaged: {error}") from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._uri, uri=True, check_same_thread=False)
            self._local.connection = connection
            with self._lock:
                self._connections.append(connection)
        return connection


def _problem(row: tuple[Any, ...]) -> StoredProblem:
    problem_id, fields, *others = row
    return StoredProblem(problem_id, json.loads(fields), *others)
