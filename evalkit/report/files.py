"""Writes what can be derived from a run directory: records.parquet, metrics.json and report.md."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evalkit.graders.pool import profile_name
from evalkit.jsonl import copy_complete_lines
from evalkit.records import RunWriter, check_lines, read_manifest
from evalkit.report.join import join_records
from evalkit.report.metrics_json import metrics_document
from evalkit.report.table import markdown
from evalkit.types import RunError


def write_report(writer: RunWriter) -> dict[str, Any]:
    """Brings the derived files up to date and returns the content of metrics.json."""
    writer.repair()
    manifest = read_manifest(writer.path)
    files: dict[str, Path] = {}
    for task in manifest["tasks"]:
        files.update(_join(writer.path, task, manifest))
    document = metrics_document(manifest, files)
    writer.write_json("metrics.json", document)
    writer.write_text("report.md", markdown(document))
    return document


def read_report(path: Path) -> dict[str, Any]:
    """The content of metrics.json; computed anew, writing nothing, where the run has gone on."""
    written = path / "metrics.json"
    if _is_newest(written, [path / "manifest.json", *path.glob("*/*.jsonl")]):
        content: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
        return content
    with open_records(path) as files:
        return metrics_document(read_manifest(path), files)


@contextmanager
def open_records(path: Path) -> Iterator[dict[str, Path]]:
    """The records of each task as Parquet: the run's own files, or a snapshot where those are old."""
    manifest = read_manifest(path)
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for task in manifest["tasks"]:
            joined = path / task / "records.parquet"
            if _is_newest(joined, [path / "manifest.json", *(path / task).glob("*.jsonl")]):
                files[task] = joined
                continue
            (Path(folder) / task).mkdir()
            for name in ("samples.jsonl", "grades.jsonl"):
                copy_complete_lines(path / task / name, Path(folder) / task / name)
            files.update(_join(Path(folder), task, manifest, original=path))
        yield files


def _is_newest(derived: Path, sources: Iterable[Path]) -> bool:
    """False also for equal times: a file system's clock may tick slower than we write."""
    if not derived.exists():
        return False
    return max(one.stat().st_mtime_ns for one in sources) < derived.stat().st_mtime_ns


def _join(
    folder: Path, task: str, manifest: dict[str, Any], *, original: Path | None = None
) -> dict[str, Path]:
    """Writes the task's Parquet file; nothing where it has no samples yet.

    Raises RunError that names the damaged line; `original` is the run that `folder` is a copy of.
    """
    samples = folder / task / "samples.jsonl"
    if not samples.exists():
        return {}
    out = folder / task / "records.parquet"
    try:
        join_records(
            samples,
            folder / task / "grades.jsonl",
            out,
            task=task,
            grader=manifest["tasks"][task]["grader"],
            profile=profile_name(manifest["unclosed_thinking"], manifest["tasks"][task]["grader"]),
        )
    except RunError:
        check_lines(original or folder, task)
        raise
    return {task: out}
