"""The files of LiveCodeBench on the hub: release_vN is the first N of them."""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from evalkit.configs import build, load_yaml
from evalkit.data import default_data_dir, find_named
from evalkit.resources import resource_dir
from evalkit.teststore import Store, cached_store
from evalkit.types import DataError, UsageError, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFile:
    """`size` in bytes; `first` and `last` are the earliest and the latest contest date in it."""

    name: str
    num_problems: int
    size: int
    sha256: str
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """`ids_sha256` is over the ids of all problems in the order of the files, one a line."""

    hub: str
    revision: str
    ids_sha256: str
    files: tuple[ReleaseFile, ...]

    @property
    def names(self) -> list[str]:
        return [f"v{number}" for number in range(1, len(self.files) + 1)]

    def of(self, release: str) -> tuple[ReleaseFile, ...]:
        """Raises UsageError for a release that does not exist."""
        if release not in self.names:
            raise unknown("release", release, self.names)
        return self.files[: self.names.index(release) + 1]


@dataclass(frozen=True, slots=True)
class Window:
    """Contest dates from `start` to `end`, `YYYY-MM-DD`, each None where open.

    Both ends count as midnight and are inclusive: a contest of 18:30 on the last day is outside.
    """

    start: str | None = None
    end: str | None = None

    def __post_init__(self) -> None:
        for day in (self.start, self.end):
            if day is not None:
                _midnight(day)
        if self.start and self.end and self.start > self.end:
            raise UsageError(f"the window {self} ends before it starts")

    def __str__(self) -> str:
        return f"{self.start or ''}..{self.end or ''}"

    def holds(self, date: str) -> bool:
        return self.overlaps(date, date)

    def overlaps(self, first: str, last: str) -> bool:
        is_after = self.end is not None and datetime.fromisoformat(first) > _midnight(self.end)
        is_before = self.start is not None and datetime.fromisoformat(last) < _midnight(self.start)
        return not is_after and not is_before


@cache
def releases() -> Releases:
    path = resource_dir("tasks") / "livecodebench" / "files.yaml"
    return build(Releases, load_yaml(path), path.name)


def needed_files(release: str, window: Window) -> list[ReleaseFile]:
    """The files of the release that have a problem in the window; the others need not be there."""
    return [one for one in releases().of(release) if window.overlaps(one.first, one.last)]


def open_file(file: ReleaseFile, data_dir: Path | None) -> Path:
    """The store of a file of the hub, which is downloaded where it is in no directory.

    Raises DataError where the file is not the pinned one.
    """
    path = find_named(file.name, data_dir, is_on_hub=True) or download(file)
    if path.stat().st_size != file.size:
        raise _not_pinned(path, f"{file.size} bytes", f"{path.stat().st_size}")
    store = cached_store(path)
    with Store.open(store) as opened:
        if opened.meta["source_sha256"] != file.sha256:
            raise _not_pinned(path, f"the sha256 {file.sha256}", opened.meta["source_sha256"])
        if opened.meta["num_problems"] != str(file.num_problems):
            raise _not_pinned(path, f"{file.num_problems} problems", opened.meta["num_problems"])
    return store


def download(file: ReleaseFile, folder: Path | None = None) -> Path:
    """The file from the hub, in `folder` or, without one, in the cache of the hub's library."""
    from huggingface_hub import hf_hub_download

    # What it tries again is no news; how it ends is said below.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    hub = releases()
    try:
        path = hf_hub_download(
            hub.hub, file.name, repo_type="dataset", revision=hub.revision, local_dir=folder
        )
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot load {file.name} of {hub.hub} from the hub ({type(error).__name__}: "
            f"{str(error).partition(chr(10))[0]}). Without a network, put {file.name} into "
            f"{default_data_dir()}, or name a directory that holds it with --data-dir"
        ) from error
    return Path(path)


def _midnight(day: str) -> datetime:
    try:
        return datetime.strptime(day, "%Y-%m-%d")
    except ValueError as error:
        raise UsageError(f"expected a day as 2025-02-01, found {day!r}") from error


def _not_pinned(path: Path, expected: str, found: str) -> DataError:
    return DataError(
        f"{path}: expected {expected}, found {found}; this is not the file of the hub. "
        f"A file of your own is given with --problems"
    )
