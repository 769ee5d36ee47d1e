"""The samples of a task as columns of numbers: what the metrics of a report are computed from."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evalkit.maths.normal import normal_form
from evalkit.metrics import NO_ANSWER
from evalkit.types import Verdict

_TEXTS = ["problem_id", "verdict", "extracted", "finish_reason"]
_NUMBERS = ["score", "num_tokens"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Samples:
    """Columns of one task. `problem` numbers the problems, `vote` the classes of equal answers,
    `erratum` the known errata, -1 for none; `score` is NaN without a grade, `num_tokens` where it
    is not known."""

    problem: Integers
    vote: Integers
    erratum: Integers
    score: Floats
    num_tokens: Floats
    is_error: NDArray[np.bool_]
    is_no_answer: NDArray[np.bool_]
    is_truncated: NDArray[np.bool_]
    has_finish_reason: NDArray[np.bool_]

    def graded(self) -> Self:
        """The samples with a grade, be it a grader error."""
        return self.only(~np.isnan(self.score) | self.is_error)

    def only(self, chosen: NDArray[np.bool_]) -> Self:
        """Some of the samples, with their problems numbered anew."""
        columns = {one.name: getattr(self, one.name)[chosen] for one in fields(self)}
        _, columns["problem"] = np.unique(columns["problem"], return_inverse=True)
        return type(self)(**columns)

    def by_problem(self) -> Iterator[Integers]:
        """The positions of the samples of problem 0, of problem 1, and so on."""
        order = np.argsort(self.problem, kind="stable")
        yield from np.split(order, np.flatnonzero(np.diff(self.problem[order])) + 1)


def load_samples(records: Path, known_errata: list[str]) -> Samples:
    """Texts stay dictionaries: a run has far fewer distinct answers than samples."""
    table = pq.read_table(records, columns=[*_TEXTS, *_NUMBERS], read_dictionary=_TEXTS)
    table = table.unify_dictionaries().combine_chunks()
    if not table.num_rows:
        return no_samples()
    verdict, finish_reason = table["verdict"], table["finish_reason"]
    problem, names = _codes(table["problem_id"])
    number = {name: code for code, name in enumerate(known_errata)}
    return Samples(
        problem=problem,
        erratum=np.array([number.get(name, -1) for name in names], dtype=np.int64)[problem],
        vote=_votes(*_codes(table["extracted"])),
        score=_floats(table["score"]),
        num_tokens=_floats(table["num_tokens"]),
        is_error=_equals(verdict, Verdict.GRADER_ERROR),
        is_no_answer=_equals(verdict, Verdict.NO_ANSWER),
        is_truncated=_equals(finish_reason, "length"),
        has_finish_reason=finish_reason.is_valid().to_numpy(),
    )


def no_samples() -> Samples:
    none, no_flags = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    return Samples(none, none, none, none.astype(float), none.astype(float), *[no_flags] * 4)


def _codes(column: Any) -> tuple[Integers, list[str]]:
    """A number for each text, -1 for null, and the texts by number.

    Texts are numbered in their own order, not in that of the file: a resumed run has its lines in
    another order and must give the same sums to the last digit.
    """
    chunk = column.chunk(0)
    texts = chunk.dictionary.to_pylist()
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.full(len(texts) + 1, -1, dtype=np.int64)
    rank[order] = np.arange(len(texts))
    return rank[chunk.indices.fill_null(-1).to_numpy()], [texts[number] for number in order]


def _votes(answer: Integers, answers: list[str]) -> Integers:
    """Answers of the same normal form are one class; no answer does not vote."""
    classes = dict[str, int]()
    votes = [classes.setdefault(normal_form(text), len(classes)) for text in answers]
    return np.array([*votes, NO_ANSWER], dtype=np.int64)[answer]


def _floats(column: Any) -> Floats:
    values: Floats = column.to_numpy().astype(np.float64)
    return values


def _equals(column: Any, text: str) -> NDArray[np.bool_]:
    codes, texts = _codes(column)
    found: NDArray[np.bool_] = codes == (texts.index(text) if text in texts else len(texts))
    return found
