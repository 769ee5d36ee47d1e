"""Makes a store of tests: from a JSONL in the hub's schema, or from rows at hand."""

import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from evalkit.hubtests import Case, HubRow, parse_row
from evalkit.resources import cache_dir
from evalkit.teststore.reading import STORE_VERSION
from evalkit.types import DataError
from evalkit.wholefile import whole_file, write_error

Origin = Callable[[], Mapping[str, str]]
"""Asked after the last row: what the rows are from, to be kept in the store."""

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE problem (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, fields TEXT, first_test INTEGER,
    num_public INTEGER, num_tests INTEGER, sha256 TEXT);
CREATE TABLE test (number INTEGER PRIMARY KEY, input BLOB, output BLOB);
"""
# Not durable until the file is whole: it is written under another name and synced at the end.
_FAST_WRITES = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 8192;"
_LEVEL = 1  # level 6 takes four times the CPU time for 5 % less space


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


def _stat(source: Path) -> os.stat_result:
    try:
        return source.stat()
    except OSError as error:
        raise DataError(f"cannot read {source}: {error.strerror}") from error


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
