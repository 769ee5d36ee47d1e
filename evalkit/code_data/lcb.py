"""LiveCodeBench: a window of contest dates over a release, or over a file in the hub's schema."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.code_data.releases import (
    Window,
    download,
    needed_files,
    open_file,
    releases,
)
from evalkit.code_data.rows import CodeRow, Loaded, code_row, statements_sha256, tests_sha256
from evalkit.data import find_named
from evalkit.teststore import Store, StoredProblem, cached_store
from evalkit.types import DataError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class LcbSource:
    """Problems of a release (`v1` … ) of LiveCodeBench, or of `problems`, a JSONL in its schema.

    Both ends of the window are inclusive, at midnight. `sha256` is over the statements (see
    `statements_sha256`). Without `num_problems` or `sha256` nothing is pinned but the hub's files.
    `skip_untested` leaves out problems without tests, which are otherwise an error.
    `tests_sha256` and `file_sha256` belong to `problems`.
    """

    release: str | None = None
    start: str | None = None
    end: str | None = None
    num_problems: int | None = None
    sha256: str | None = None
    problems: Path | None = None
    skip_untested: bool = False
    tests_sha256: str | None = None
    file_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.release is not None:
            releases().of(self.release)
        elif self.problems is None:
            raise UsageError("a release (as v6) or a file of problems is needed")
        _ = self.window

    @property
    def window(self) -> Window:
        return Window(self.start, self.end)

    @property
    def hub(self) -> str | None:
        return None if self.problems else releases().hub

    @property
    def bundled(self) -> bool:
        return self.problems is not None

    @property
    def files(self) -> list[str]:
        """What has to be in a data directory."""
        if self.problems or self.release is None:
            return []
        return [one.name for one in needed_files(self.release, self.window)]

    @property
    def pin(self) -> str:
        """What problems that were loaded are known to agree with."""
        if not self.problems:
            return f"release_{self.release}, {', '.join(self.files)} with the sha256 of the hub"
        return f"sha256 {self.sha256}" if self.sha256 else "nothing pinned"

    def is_local(self) -> bool:
        return all(find_named(name, None, is_on_hub=True) for name in self.files)

    def describe(self) -> dict[str, Any]:
        """For the manifest: what was graded with, by names and sums."""
        values = {
            "hub": self.hub,
            "revision": None if self.problems else releases().revision,
            "file": str(self.problems.name) if self.problems else ", ".join(self.files),
            "release": f"release_{self.release}" if self.release else None,
            "window": [self.start, self.end],
            "tests": "a file of the user's" if self.problems else "official",
        }
        if self.problems:
            values["file_sha256"] = self.file_sha256
            values["tests_sha256"] = self.tests_sha256
        return values

    def fetch(self, folder: Path) -> list[Path]:
        """Raises DataError where a downloaded file is not the pinned one."""
        paths = []
        for file in needed_files(self.release or "", self.window):
            path = download(file, folder)
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != file.sha256:
                raise DataError(f"{path}: expected the sha256 {file.sha256}, found {found}")
            paths.append(path)
        return paths

    def load(self, task: str, data_dir: Path | None = None) -> Loaded:
        """The problems, sorted by id as the official benchmark is.

        Raises DataError where there is none, where one has no tests, or where the data are not
        as pinned.
        """
        loaded = self._from_file(task) if self.problems else self._from_hub(task, data_dir)
        if not loaded.rows:
            raise DataError(f"{task}: no problem has a contest date in {self.window}")
        self._check(task, loaded)
        return loaded

    def changed(self, problems: Path | None, *, skip_untested: bool) -> "LcbSource":
        """With another file or choice, and then without the pins that belong to the former ones."""
        source = self
        if problems:
            source = replace(source, problems=problems, tests_sha256=None, file_sha256=None)
        if skip_untested:
            source = replace(source, skip_untested=True)
        return self if source == self else replace(source, num_problems=None, sha256=None)

    def bound(self, task: str, data_dir: Path | None = None) -> tuple["LcbSource", Loaded]:
        """This source with what was found in it as its pins."""
        loaded = self.load(task, data_dir)
        source = replace(
            self,
            num_problems=len(loaded.rows),
            sha256=statements_sha256(loaded.rows),
            tests_sha256=tests_sha256(loaded.rows) if self.problems else None,
            file_sha256=loaded.file_sha256,
        )
        return source, loaded

    def _from_hub(self, task: str, data_dir: Path | None) -> Loaded:
        rows: list[CodeRow] = []
        untested: list[str] = []
        for file in needed_files(self.release or "", self.window):
            path = open_file(file, data_dir)
            with Store.open(path) as store:
                found = store.problems()
            rows += self._chosen(path, found, untested)
        return self._loaded(task, rows, untested)

    def _from_file(self, task: str) -> Loaded:
        assert self.problems is not None
        path = cached_store(self.problems)
        with Store.open(path) as store:
            found, file_sha256 = store.problems(), store.meta["source_sha256"]
        notes = []
        if self.release:
            notes.append(f"the tests are those of {self.problems.name}, not the official ones")
        if self.release and (num_known := _num_of_release(found, self.release)):
            found = found[:num_known]
        elif self.release:
            notes.append(
                f"{self.problems.name} does not hold the problems of all releases in their order: "
                f"its rows were taken by date, whatever their release"
            )
        untested: list[str] = []
        rows = self._chosen(path, found, untested)
        loaded = self._loaded(task, rows, untested)
        return replace(loaded, notes=(*notes, *loaded.notes), file_sha256=file_sha256)

    def _chosen(self, path: Path, found: list[StoredProblem], untested: list[str]) -> list[CodeRow]:
        inside = [one for one in found if self.window.holds(one.fields["contest_date"])]
        untested += [one.id for one in inside if not one.num_tests]
        return [code_row(path, one) for one in inside if one.num_tests]

    def _loaded(self, task: str, rows: list[CodeRow], untested: list[str]) -> Loaded:
        names = ", ".join(sorted(untested))
        if untested and not self.skip_untested:
            raise DataError(
                f"{task}: without a test nothing can be graded, and there is none for {names}; "
                f"--skip-untested leaves out such problems"
            )
        return Loaded(
            rows=sorted(rows, key=lambda row: row.id),
            left_out=dict.fromkeys(sorted(untested), "no tests"),
            notes=(f"left out, because there are no tests: {names}",) if untested else (),
        )

    def _check(self, task: str, loaded: Loaded) -> None:
        found = len(loaded.rows)
        if self.num_problems is not None and found != self.num_problems:
            raise DataError(f"{task}: expected {self.num_problems} problems, found {found}")
        if not self.problems:
            return  # the sums of the hub's files say more than that of the statements
        sums = {
            "sha256": statements_sha256(loaded.rows),
            "tests_sha256": tests_sha256(loaded.rows),
            "file_sha256": loaded.file_sha256,
        }
        for name, value in sums.items():
            pinned = getattr(self, name)
            if pinned is not None and pinned != value:
                raise DataError(f"{task}: expected {name} {pinned}, found {value}")


def _num_of_release(found: list[StoredProblem], release: str) -> int | None:
    """How many rows belong to the release; None for a file that is no copy of all of them."""
    digest = hashlib.sha256("\n".join(one.id for one in found).encode()).hexdigest()
    if digest != releases().ids_sha256:
        return None
    return sum(file.num_problems for file in releases().of(release))
