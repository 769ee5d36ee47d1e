"""Every case of a file against the implementation."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evalkit.train.vectors.aggregating import check_aggregation
from evalkit.train.vectors.comparing import Comparison
from evalkit.train.vectors.policy import check_micro_batch, check_policy_loss
from evalkit.train.vectors.reading import Case, read_cases
from evalkit.train.vectors.rewards import (
    check_advantages,
    check_entropy_split,
    check_group_filter,
    check_kl,
    check_overlong_penalty,
    check_repetition,
)

CHECKS: Mapping[str, Callable[[Case], Iterator[Comparison]]] = {
    "policy_loss": check_policy_loss,
    "aggregation": check_aggregation,
    "micro_batch": check_micro_batch,
    "advantages": check_advantages,
    "kl": check_kl,
    "entropy_split": check_entropy_split,
    "overlong_penalty": check_overlong_penalty,
    "group_filter": check_group_filter,
    "repetition": check_repetition,
}


@dataclass(frozen=True, slots=True)
class CheckedCase:
    kind: str
    name: str
    comparisons: tuple[Comparison, ...]

    @property
    def failures(self) -> list[Comparison]:
        return [one for one in self.comparisons if not one.is_equal]


def check_vectors(path: Path) -> list[CheckedCase]:
    """Raises DataError for a file, or a case, that is not of the format."""
    return [_checked(case) for case in read_cases(path, list(CHECKS))]


def _checked(case: Case) -> CheckedCase:
    try:
        comparisons = tuple(CHECKS[case.kind](case))
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        # What torch raises for tensors that do not fit together.
        raise case.error(f"{error}") from error
    return CheckedCase(case.kind, case.name, comparisons)
