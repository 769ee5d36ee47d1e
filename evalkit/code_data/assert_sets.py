"""HumanEval and MBPP: rows of the data sets, and those of them whose asserts are literal."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.code_data import asserts
from evalkit.code_data.asserts import Asserts, NotLiteralError
from evalkit.code_data.rows import Loaded, code_row
from evalkit.data import DataSource, Row, find_file, load_rows
from evalkit.hubtests import FIELDS, HubRow
from evalkit.teststore import STORE_VERSION, Store, stores_dir, write_store
from evalkit.types import DataError, UsageError, unknown

_VERSION = 1
"""Of the conversion below; another one makes other stores."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a row asks for, and how it is tested."""

    question: str
    starter: str
    asserts: Asserts


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertSource:
    """Problems from `rows`, converted by the rule of `style` (`humaneval` or `mbpp`).

    `num_problems` counts those that can be converted. `first` and `last`, where given, are the
    least and the greatest id (a number) that belong to the task.
    """

    style: str
    rows: DataSource
    num_problems: int
    first: int | None = None
    last: int | None = None

    def __post_init__(self) -> None:
        if self.style not in _STYLES:
            raise unknown("style", self.style, list(_STYLES))
        if (self.first is None) != (self.last is None):
            raise UsageError("first and last belong together")

    @property
    def sha256(self) -> str:
        """Over the rows before conversion, and what is chosen of them."""
        if self.first is None:
            return self.rows.sha256
        return hashlib.sha256(f"{self.rows.sha256} {self.first} {self.last}".encode()).hexdigest()

    @property
    def pin(self) -> str:
        return f"of rows with {self.rows.pin}"

    @property
    def hub(self) -> str | None:
        return self.rows.hub

    @property
    def bundled(self) -> bool:
        return self.rows.bundled

    @property
    def files(self) -> list[str]:
        return self.rows.files

    def is_local(self) -> bool:
        return find_file(self.rows) is not None

    def describe(self) -> dict[str, Any]:
        return {**self.rows.describe(), "tests": f"literal asserts of {self.style}"}

    def load(self, task: str, data_dir: Path | None = None) -> Loaded:
        """Raises DataError where the rows are not the pinned ones."""
        chosen = [row for row in load_rows(task, self.rows, data_dir) if self._holds(row)]
        left_out: dict[str, str] = {}
        converted = []
        for row in chosen:
            try:
                converted.append(_hub_row(self.style, row))
            except NotLiteralError as error:
                left_out[row.id] = str(error)
        if len(converted) != self.num_problems:
            raise DataError(
                f"{task}: expected {self.num_problems} problems with literal asserts, found "
                f"{len(converted)}"
            )
        path = self._store(converted)
        with Store.open(path) as store:
            rows = [code_row(path, one) for one in store.problems()]
        return Loaded(rows=rows, left_out=left_out)

    def _holds(self, row: Row) -> bool:
        if self.first is None or self.last is None:
            return True
        return self.first <= int(row.id) <= self.last

    def _store(self, rows: list[HubRow]) -> Path:
        state = f"{self.sha256} {_VERSION} {STORE_VERSION}"
        name = f"{self.style}-{hashlib.sha256(state.encode()).hexdigest()[:8]}.sqlite"
        path = stores_dir() / name
        if not path.exists():
            write_store(rows, path, lambda: {"source": self.style, "source_sha256": self.sha256})
        return path


def _hub_row(style: str, row: Row) -> HubRow:
    found = _STYLES[style](row)
    fields = dict.fromkeys(FIELDS, "")
    fields |= {
        "question_title": row.id,
        "question_content": found.question,
        "platform": style,
        "question_id": row.id,
        "contest_date": "1970-01-01T00:00:00",
        "starter_code": found.starter,
        "metadata": json.dumps({"func_name": found.asserts.fn_name}),
    }
    return HubRow(row.id, f"{style}, problem {row.id}", fields, found.asserts.cases, ())


def _humaneval(row: Row) -> _Found:
    """`answer` is the name of the function, which the question begins to define."""
    found = asserts.check_function(row.metadata["test"], row.answer)
    return _Found(row.question, asserts.signature(row.question, row.answer), found)


def _mbpp(row: Row) -> _Found:
    """`answer` is a solution, of which only the head of the function is shown."""
    tests = row.metadata["test_list"]
    found = asserts.statements(tests, row.metadata["test_setup_code"])
    question = "\n".join([row.question, "", "Your code should pass these tests:", *tests])
    return _Found(question, asserts.head(row.answer, found.fn_name), found)


_STYLES: Mapping[str, Callable[[Row], _Found]] = {"humaneval": _humaneval, "mbpp": _mbpp}
