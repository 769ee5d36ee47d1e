"""Benchmark rows from a local file or from the Hugging Face hub, checked against what the task pins."""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.resources import cache_dir
from evalkit.types import DataError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """Where the rows of a task come from, and what they must be.

    `hub` is a data set id at `revision` (None where no immutable revision is known: then `sha256`
    alone pins the rows). `file` is the name looked for in a data directory; with `bundled` it is
    a path beside the task's YAML. `sha256` is taken over `canonical_bytes`.
    `columns` maps id, question, answer to column names; without id the rows are numbered.
    `keep` lists further columns that graders read.
    """

    file: str
    num_problems: int
    sha256: str
    columns: Mapping[str, str]
    keep: tuple[str, ...] = ()
    hub: str | None = None
    config: str | None = None
    revision: str | None = None
    split: str = "test"
    bundled: bool = False

    def __post_init__(self) -> None:
        if self.num_problems < 1:
            raise UsageError(f"{self.file}: num_problems={self.num_problems}, but one is needed")
        if absent := [name for name in ("question", "answer") if name not in self.columns]:
            raise UsageError(f"{self.file}: columns must name {', '.join(absent)}")
        if strange := sorted(set(self.columns) - {"id", "question", "answer"}):
            raise UsageError(
                f"{self.file}: unknown column role {strange[0]!r}; known: id, question, answer"
            )

    @property
    def files(self) -> list[str]:
        """What has to be in a data directory."""
        return [] if self.bundled else [self.file]

    @property
    def pin(self) -> str:
        """What rows that were loaded are known to agree with."""
        return f"sha256 {self.sha256}"

    def is_local(self) -> bool:
        return find_file(self) is not None

    def describe(self) -> dict[str, Any]:
        """For the manifest: what was asked for, by names."""
        return {"hub": self.hub, "revision": self.revision, "file": self.file}


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    question: str
    answer: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def default_data_dir() -> Path:
    """Where `evalkit data fetch` puts files and every command looks for them."""
    if explicit := os.environ.get("EVALKIT_DATA"):
        return Path(explicit)
    return cache_dir() / "data"


def load_rows(task: str, source: DataSource, data_dir: Path | None = None) -> list[Row]:
    """The checked rows of a task, from `data_dir`, else the default directory, else the hub.

    Raises DataError when a column is missing, an id is double, or count or hash are not the
    pinned ones.
    """
    path = find_file(source, data_dir)
    raw = _read_file(path) if path else _read_hub(task, source)
    where = f"{task} ({path or source.hub})"
    rows = [_row(index, item, source, where) for index, item in enumerate(raw)]
    check_rows(rows, source, where)
    return rows


def fetch_rows(task: str, source: DataSource, folder: Path) -> Path:
    """Writes the hub's rows, checked, as a local file in the columns of the hub."""
    raw = _read_hub(task, source)
    where = f"{task} ({source.hub})"
    check_rows([_row(i, item, source, where) for i, item in enumerate(raw)], source, where)
    names = [*source.columns.values(), *source.keep]
    lines = [json.dumps({name: item[name] for name in names}, ensure_ascii=False) for item in raw]
    path = folder / source.file
    unfinished = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from error
    return path


def find_file(source: DataSource, data_dir: Path | None = None) -> Path | None:
    """The local copy of the data, or None when the hub has to be asked; raises as `find_named`."""
    if source.bundled:
        return Path(source.file)
    return find_named(source.file, data_dir, is_on_hub=source.hub is not None)


def find_named(file: str, data_dir: Path | None, *, is_on_hub: bool) -> Path | None:
    """A file in `data_dir`, else in the default directory; None where neither has it.

    Raises DataError where a directory was named, by `data_dir` or EVALKIT_DATA, and lacks the file.
    """
    folder = data_dir or default_data_dir()
    if (folder / file).is_file():
        return folder / file
    if data_dir or os.environ.get("EVALKIT_DATA"):
        named_by = "--data-dir" if data_dir else "EVALKIT_DATA"
        fetch = f"; `evalkit data fetch --to {folder}` writes it" if is_on_hub else ""
        raise DataError(f"{folder} (named by {named_by}) has no file {file}{fetch}")
    return None


def canonical_bytes(rows: Iterable[Row]) -> bytes:
    """One JSON line [id, question, answer, kept columns …] per row: equal for hub and offline copies."""
    lines = (
        json.dumps([row.id, row.question, row.answer, *row.metadata.values()], ensure_ascii=False)
        for row in rows
    )
    return "\n".join(lines).encode("utf-8")


def check_rows(rows: list[Row], source: DataSource, where: str) -> None:
    for name, count in Counter(row.id for row in rows).items():
        if count > 1:
            raise DataError(f"{where}: expected unique ids, found {name!r} {count} times")
    if len(rows) != source.num_problems:
        raise DataError(f"{where}: expected {source.num_problems} problems, found {len(rows)}")
    found = hashlib.sha256(canonical_bytes(rows)).hexdigest()
    if found != source.sha256:
        raise DataError(f"{where}: expected rows with sha256 {source.sha256}, found {found}")


def _row(index: int, item: Mapping[str, Any], source: DataSource, where: str) -> Row:
    columns = source.columns
    where = f"{where}, row {index}"
    if absent := [name for name in [*columns.values(), *source.keep] if name not in item]:
        raise DataError(f"{where}: expected a column {absent[0]!r}, found {', '.join(item)}")
    question = item[columns["question"]]
    if not isinstance(question, str) or not question.strip():
        raise DataError(f"{where}: expected a question, found {question!r}")
    return Row(
        id=_text(item[columns["id"]], where) if "id" in columns else str(index),
        question=question,
        answer=_text(item[columns["answer"]], where),
        metadata={name: _plain(item[name], f"{where}, {name}") for name in source.keep},
    )


def _text(value: Any, where: str) -> str:
    """Numbers without a trailing .0; a list of one element stands for that element."""
    if isinstance(value, list):
        if len(value) != 1:
            raise DataError(f"{where}: expected a list of one element, found {value!r}")
        return _text(value[0], where)
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if isinstance(value, bool) or not text:
        raise DataError(f"{where}: expected text or a number, found {value!r}")
    return re.sub(r"^(-?\d+)\.0+$", r"\1", text)


def _plain(value: Any, where: str) -> Any:
    """What JSON can hold: the value goes into the run directory."""
    if isinstance(value, list):
        return [_plain(one, where) for one in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise DataError(f"{where}: expected text, numbers or lists of them, found {value!r}")


def _read_file(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}") from error
    return [_parse(line, f"{path}, line {i}") for i, line in enumerate(lines, 1) if line.strip()]


def _parse(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: expected a JSON object, found {line[:60]}")
    return row


def _read_hub(task: str, source: DataSource) -> list[dict[str, Any]]:
    if source.hub is None:
        raise DataError(
            f"{task}: {source.file} is not on the hub: put it into a directory and name "
            f"it with --data-dir or EVALKIT_DATA"
        )
    import datasets

    datasets.disable_progress_bars()
    try:
        rows = datasets.load_dataset(
            source.hub, source.config, split=source.split, revision=source.revision
        )
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise DataError(
            f"{task}: cannot load {source.hub} from the hub ({type(error).__name__}: "
            f"{str(error).partition(chr(10))[0]}). Without a network, name a directory that holds "
            f"{source.file} with --data-dir or EVALKIT_DATA"
        ) from error
    return list(rows)
