"""The tests of programs: read from a store, or at hand."""

import json
import threading
from collections.abc import Iterable
from pathlib import Path

from evalkit.teststore import Case, Store, cases_sha256
from evalkit.types import CodeTests, DataError, InlineTests

Tests = CodeTests | InlineTests


class CaseReader:
    """Keeps the stores open that it has read from. Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stores: dict[str, Store] = {}

    def read(self, tests: Tests) -> Iterable[Case]:
        """Raises DataError where stored tests are missing, or are not those that `tests` names.

        Also where inline tests of a function are not JSON: a program could only fail them.
        """
        if isinstance(tests, InlineTests):
            if tests.fn_name is not None:
                _check_json(tests)
            return map(Case, tests.inputs, tests.outputs)
        store = self._store(tests.store)
        if (found := store.sha256(tests.problem_id)) != tests.sha256:
            raise DataError(
                f"the tests of problem {tests.problem_id} in {store.path} are not those that the run "
                f"was made with: expected sha256 {tests.sha256}, found {found}"
            )
        return store.cases(tests.problem_id)

    def close(self) -> None:
        for store in self._stores.values():
            store.close()

    def _store(self, path: str) -> Store:
        with self._lock:
            if path not in self._stores:
                self._stores[path] = Store.open(Path(path))
            return self._stores[path]


def _check_json(tests: InlineTests) -> None:
    """Each line of an input is an argument, an output is the value."""
    for name, texts in (("inputs", tests.inputs), ("outputs", tests.outputs)):
        for index, text in enumerate(texts):
            try:
                for line in text.split("\n") if name == "inputs" else (text,):
                    json.loads(line)
            except (ValueError, RecursionError) as error:
                place = f"{name}[{index}] of the function {tests.fn_name}"
                raise DataError(f"{place} is not JSON: {text[:100]!r}") from error


def tests_sha256(tests: Tests) -> str:
    """The same for equal inputs and outputs in the same order, wherever they are."""
    if isinstance(tests, CodeTests):
        return tests.sha256
    return cases_sha256(map(Case, tests.inputs, tests.outputs))
