"""Tests of programs in a file that opens at once and gives one test at a time.

A store is a SQLite file made once from a JSONL in the schema of LiveCodeBench's hub files, and
never changed afterwards: another source or another version of this module makes another store.
"""

import hashlib
import json
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from evalkit.hubtests import Case, HubRow, parse_row
from evalkit.resources import cache_dir
from evalkit.types import DataError
from evalkit.wholefile import whole_file, write_error

__all__ = [
    "Case",
    "Store",
    "StoredProblem",
    "cached_store",
    "cases_sha256",
    "convert",
    "stores_dir",
    "write_store",
]

Origin = Callable[[], Mapping[str, str]]
"""Asked after the last row: what the rows are from, to be kept in the store."""

STORE_VERSION = 1

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE problem (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, fields TEXT, first_test INTEGER,
    num_public INTEGER, num_tests INTEGER, sha256 TEXT);
CREATE TABLE test (number INTEGER PRIMARY KEY, input BLOB, output BLOB);
"""
_PROBLEM = "SELECT id, fields, num_public, num_tests, sha256 FROM problem"
# Not durable until the file is whole: it is written under another name and synced at the end.
_FAST_WRITES = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 8192;"
_LEVEL = 1  # level 6 takes four times the CPU time for 5 % less space


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

    def num_tests(self, problem_id: str) -> int:
        return self.problem(problem_id).num_tests

    def sha256(self, problem_id: str) -> str:
        """Over the inputs and outputs in their order, each as its length and its UTF-8 bytes."""
        return self.problem(problem_id).sha256

    def row(self, problem_id: str) -> Mapping[str, Any]:
        """The hub's fields but for the tests."""
        return self.problem(problem_id).fields

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


def stores_dir() -> Path:
    return cache_dir() / "stores"


def cached_store(source: Path) -> Path:
    """The store of a JSONL in the hub's schema, made now where there is none of its present state.

    A store is found by path, size and time of the source. Raises DataError as `convert`.
    """
    stat = _stat(source)
    state = f"{source.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0{STORE_VERSION}"
    digest = hashlib.sha256(state.encode("utf-8", "surrogateescape")).hexdigest()
    target = stores_dir() / f"{source.stem}-{digest[:8]}.sqlite"
    if not target.exists():
        convert(source, target)
    return target


def convert(source: Path, target: Path) -> None:
    """Writes the store of a JSONL in the hub's schema; one problem is in memory at a time.

    `target` appears whole or not at all, and is left as it is where another process has made it
    meanwhile. Raises DataError for a row that is not as the hub's, naming file, line and problem,
    for a double id, and where the disk is full.
    """
    before = _stat(source)
    digest = hashlib.sha256()

    def rows() -> Iterator[HubRow]:
        try:
            with source.open("rb") as stream:
                for number, line in enumerate(stream, 1):
                    digest.update(line)
                    if line.strip():
                        yield parse_row(line, f"{source}, line {number}")
        except OSError as error:
            raise DataError(f"cannot read {source}: {error.strerror}") from error

    def origin() -> dict[str, str]:
        if _changed(before, _stat(source)):
            raise DataError(f"{source} was changed while it was read")
        return {
            "source": source.name,
            "source_size": str(before.st_size),
            "source_sha256": digest.hexdigest(),
        }

    write_store(rows(), target, origin)


def write_store(rows: Iterable[HubRow], target: Path, origin: Origin) -> None:
    """As `convert`, from rows at hand; `origin()` says, after the last row, where they are from."""
    with whole_file(target) as unfinished:
        if unfinished is None:
            return
        try:
            with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
                _write(connection, rows, origin)
        except sqlite3.Error as error:
            is_full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
            raise write_error(target, error, is_full=is_full) from error


def cases_sha256(cases: Iterable[Case]) -> str:
    digest = hashlib.sha256()
    for case in cases:
        for text in (case.input, case.output):
            content = _encoded(text)
            digest.update(f"{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _write(connection: sqlite3.Connection, rows: Iterable[HubRow], origin: Origin) -> None:
    connection.executescript(_FAST_WRITES + _TABLES)
    connection.execute("BEGIN")
    seen: dict[str, int] = {}
    first_test = 0
    for row in rows:
        if row.id in seen:
            raise DataError(f"{row.where}: the id was there before, in row {seen[row.id]}")
        seen[row.id] = len(seen) + 1
        _insert(connection, len(seen), first_test, row)
        first_test += len(row.cases)
    meta = {**origin(), "num_problems": str(len(seen)), "version": str(STORE_VERSION)}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, number: int, first_test: int, row: HubRow) -> None:
    fields = json.dumps(row.fields)
    digest = cases_sha256(row.cases)
    values = (number, row.id, fields, first_test, len(row.public), len(row.cases), digest)
    connection.execute("INSERT INTO problem VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    for offset, case in enumerate(row.cases):
        packed = (zlib.compress(_encoded(text), _LEVEL) for text in (case.input, case.output))
        connection.execute("INSERT INTO test VALUES (?, ?, ?)", (first_test + offset, *packed))


def _problem(row: tuple[Any, ...]) -> StoredProblem:
    problem_id, fields, *others = row
    return StoredProblem(problem_id, json.loads(fields), *others)


def _stat(source: Path) -> os.stat_result:
    try:
        return source.stat()
    except OSError as error:
        raise DataError(f"cannot read {source}: {error.strerror}") from error


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
