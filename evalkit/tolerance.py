"""How far a decimal answer may be from a decimal gold, as the protocol of a benchmark states it.

Only golds that are themselves decimals or in scientific notation are ever compared with a
tolerance; the comparison sees to that. Integers, fractions and expressions stay exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.types import Answer, DataError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """`relative` is a share of the gold, for all problems of a task.

    `absolute_column` names a kept column of the data with the absolute tolerance of each problem,
    as a number or as text; an empty one leaves the problem without.
    """

    relative: float = 0.0
    absolute_column: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.relative < 1:
            raise UsageError(f"tolerance: relative={self.relative}, but it is a share of the gold")

    def check(self, columns: Sequence[str] | None, where: str) -> None:
        """Raises UsageError where the data keep no column of that name; None: they are programs."""
        if columns is None and self != Tolerance():
            raise UsageError(f"{where}: tolerance: there is none for programs")
        if self.absolute_column is not None and self.absolute_column not in (columns or ()):
            raise UsageError(
                f"{where}: tolerance: absolute_column {self.absolute_column!r} is not among the "
                f"columns that data: keep names: {', '.join(columns or ()) or 'none'}"
            )

    def target(self, answer: str, row: Mapping[str, Any], where: str) -> Answer:
        """The target of a problem; raises DataError where its column holds no tolerance."""
        found = row[self.absolute_column] if self.absolute_column else None
        return Answer(answer, self.relative, _number(found, f"{where}, {self.absolute_column}"))


def _number(value: Any, where: str) -> float:
    if value is None or value == "":
        return 0.0
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: expected one number as tolerance, found {value!r}") from error
    if not 0 <= number < float("inf"):
        raise DataError(f"{where}: expected a tolerance of at least 0, found {value!r}")
    return number
