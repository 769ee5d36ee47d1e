"""Tests of programs in a file that opens at once and gives one test at a time.

A store is a SQLite file made once from a JSONL in the schema of LiveCodeBench's hub files, and
never changed afterwards: another source or another version of this package makes another store.
"""

from evalkit.hubtests import Case
from evalkit.teststore.reading import STORE_VERSION, Store, StoredProblem
from evalkit.teststore.writing import (
    cached_store,
    cases_sha256,
    convert,
    stores_dir,
    write_store,
)

__all__ = [
    "STORE_VERSION",
    "Case",
    "Store",
    "StoredProblem",
    "cached_store",
    "cases_sha256",
    "convert",
    "stores_dir",
    "write_store",
]
