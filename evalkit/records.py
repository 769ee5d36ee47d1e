"""The run directory: append-only JSON lines that survive a kill, the manifest, and their join.

manifest.json            what was asked, what was used, what is needed to repeat it
<task>/problems.jsonl    messages and targets, so that a run can be graded again from itself
<task>/samples.jsonl     one line per sample
<task>/grades.jsonl      one line per grade; for a key, grader and profile the last one counts
<task>/records.parquet   samples joined with the grades of the manifest's grader
"""

import json
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalkit.jsonl import JsonlWriter, encoded, read_lines, write_error
from evalkit.lock import sign_lock, take_lock
from evalkit.types import (
    Answer,
    CodeTests,
    Grade,
    Problem,
    RunError,
    Sample,
    SampleKey,
    Target,
    Verdict,
)

SCHEMA_VERSION = 1

_MADE_BEFORE_THE_MANIFEST = {
    ".lock",
    "engine.log",
    "problems.jsonl",
    ".problems.jsonl.tmp",
    ".manifest.json.tmp",
}


class RunWriter:
    """Exclusive write access to a run directory; a second process is refused. Used with `with`.

    A directory in which nothing was begun is removed again at the end, with the parents made for
    it. Raises RunError where `path` holds anything but a run, and RunInUseError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writers: dict[Path, JsonlWriter] = {}
        self._lock = threading.Lock()
        self._stack = ExitStack()

    @property
    def has_manifest(self) -> bool:
        return (self.path / "manifest.json").exists()

    def __enter__(self) -> Self:
        _check_is_ours(self.path)
        new_folders = [one for one in (self.path, *self.path.parents) if not one.exists()]
        with ExitStack() as stack:
            stack.callback(_remove_empty, new_folders)
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context(take_lock(self.path))
                stack.callback(self._remove_if_unused)
                sign_lock(lock)
            except OSError as error:
                raise write_error(self.path, error) from error
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for writer in self._writers.values():
            writer.close()
        self._stack.close()

    def add_sample(self, sample: Sample) -> None:
        values = asdict(sample)
        self._writer(values.pop("task"), "samples").append(values)

    def add_grade(self, key: SampleKey, grade: Grade, grader: str, profile: str) -> None:
        task, problem_id, index = key
        values = {"problem_id": problem_id, "index": index, "grader": grader, "profile": profile}
        self._writer(task, "grades").append({**values, **asdict(grade)})

    def write_problems(self, task: str, problems: Iterable[Problem]) -> None:
        lines = b"".join(encoded(asdict(problem)) + b"\n" for problem in problems)
        self._replace(self.path / task / "problems.jsonl", lines)

    def write_json(self, name: str, value: Any) -> None:
        self._replace(self.path / name, encoded(value, indent=1) + b"\n")

    def write_text(self, name: str, text: str) -> None:
        self._replace(self.path / name, text.encode("utf-8", "replace"))

    def repair(self) -> None:
        """Cuts off torn last lines in all files of the run."""
        for path in self.path.glob("*/*.jsonl"):
            if path.stem in ("samples", "grades"):
                self._writer(path.parent.name, path.stem)

    def sync(self) -> None:
        for writer in list(self._writers.values()):
            writer.sync()

    def _writer(self, task: str, name: str) -> JsonlWriter:
        path = self.path / task / f"{name}.jsonl"
        with self._lock:
            if path not in self._writers:
                _make_folder(path.parent)
                self._writers[path] = JsonlWriter(path)
            return self._writers[path]

    def _replace(self, path: Path, content: bytes) -> None:
        temporary = path.with_name(f".{path.name}.tmp")
        _make_folder(path.parent)
        try:
            with temporary.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        except OSError as error:
            raise write_error(path, error) from error
        finally:
            temporary.unlink(missing_ok=True)

    def _remove_if_unused(self) -> None:
        if not self.has_manifest:
            for child in self.path.iterdir():
                shutil.rmtree(child) if child.is_dir() else child.unlink()


def read_manifest(path: Path) -> dict[str, Any]:
    file = path / "manifest.json"
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(f"{path} is not a run directory (no manifest.json)") from error
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{file} is damaged: {error}") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if not isinstance(version, int):
        raise RunError(f"{file} is damaged: it has no schema_version")
    if version > SCHEMA_VERSION:
        raise RunError(
            f"{path} was written by a newer evalkit: its schema_version is {version}, this evalkit "
            f"reads up to {SCHEMA_VERSION}"
        )
    content: dict[str, Any] = manifest
    return content


def read_problems(path: Path, task: str) -> dict[str, Problem]:
    return {one.id: one for one in read_lines(path / task / "problems.jsonl", _problem)}


def read_samples(path: Path, task: str) -> Iterator[Sample]:
    """All complete lines, in the order in which they were written."""
    return read_lines(path / task / "samples.jsonl", lambda values: Sample(task=task, **values))


def read_verdicts(path: Path, task: str, grader: str, profile: str) -> dict[SampleKey, Verdict]:
    """The last verdict of each sample by this grader in this profile."""
    verdicts = {}
    for values, verdict in read_lines(path / task / "grades.jsonl", _grade):
        if (values["grader"], values["profile"]) == (grader, profile):
            verdicts[task, values["problem_id"], values["index"]] = verdict
    return verdicts


def check_lines(path: Path, task: str) -> None:
    """Raises RunError for the first damaged line among the samples and grades of a task."""
    for _ in read_samples(path, task):
        pass
    read_verdicts(path, task, "", "")


def _problem(values: dict[str, Any]) -> Problem:
    target, messages = _target(values.pop("target")), tuple(values.pop("messages"))
    return Problem(**values, target=target, messages=messages)


def _target(values: dict[str, Any]) -> Target:
    return Answer(**values) if "text" in values else CodeTests(**values)


def _grade(values: dict[str, Any]) -> tuple[dict[str, Any], Verdict]:
    for name in ("grader", "profile", "problem_id", "index"):
        values[name]
    return values, Verdict(values["verdict"])


def _check_is_ours(path: Path) -> None:
    """A start that was killed leaves a directory without a manifest, but nothing to lose in it."""
    if not path.exists() or (path / "manifest.json").exists():
        return
    if not path.is_dir():
        raise RunError(f"{path} exists and is not a directory")
    is_begun = (path / ".lock").exists() and all(
        one.is_dir() or one.name in _MADE_BEFORE_THE_MANIFEST for one in path.rglob("*")
    )
    if not is_begun and any(path.iterdir()):
        raise RunError(f"{path} exists and is not a run directory (no manifest.json)")


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def _remove_empty(folders: Iterable[Path]) -> None:
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()
