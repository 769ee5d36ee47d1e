"""The figures of `serve_load.py`: one set of items at one batch size in one round, and their tables."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from serve_drive import Driven

_OVERHEAD_GOAL = "below 10 %"
_GOAL_FROM_SIZE = 64


@dataclass(frozen=True, slots=True)
class Cell:
    """`others_cpu_s` is of all processes but server and generator: neighbours, and containers."""

    num_items: int
    driven: Driven
    server_cpu_s: float
    others_cpu_s: float

    @property
    def per_s(self) -> float:
        return self.num_items / self.driven.wall_s

    @property
    def cpu_us(self) -> float:
        return 1e6 * self.server_cpu_s / self.num_items

    @property
    def others_share(self) -> float:
        """Of one core."""
        return self.others_cpu_s / self.driven.wall_s

    @property
    def wall_us(self) -> float:
        return 1e6 / self.per_s


@dataclass(frozen=True, slots=True)
class Direct:
    """The same items without a server; per item."""

    cpu_us: float
    wall_us: float


Cells = Mapping[tuple[str, int], Sequence[Cell]]


def print_table(title: str, cells: Cells) -> None:
    """Medians over the rounds; milliseconds are those of a request."""
    print(f"\n| {title} | batch | items/s | p50 ms | p95 ms | p99 ms | generator | others |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for (name, size), found in cells.items():
        times = (
            statistics.median(one.driven.quantile_ms(share) for one in found)
            for share in (0.5, 0.95, 0.99)
        )
        print(
            f"| {name} | {size} | {_median(found, lambda one: one.per_s):,.0f} | "
            f"{' | '.join(f'{one:.1f}' for one in times)} | "
            f"{_median(found, lambda one: one.driven.own_share):.0%} | "
            f"{_median(found, lambda one: one.others_share):.0%} |"
        )


def print_overhead(cells: Cells, directs: Mapping[str, Sequence[Direct]]) -> None:
    """Server against direct in the same round: the median of the ratios."""
    print("\n| items | batch | CPU µs/item: direct | server | overhead | wall: direct | overhead |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for (name, size), found in cells.items():
        pairs = list(zip(found, directs[name], strict=True))
        cpu = statistics.median(one.cpu_us / other.cpu_us - 1 for one, other in pairs)
        wall = statistics.median(one.wall_us / other.wall_us - 1 for one, other in pairs)
        direct_cpu = statistics.median(one.cpu_us for one in directs[name])
        direct_wall = statistics.median(one.wall_us for one in directs[name])
        print(
            f"| {name} | {size} | {direct_cpu:,.0f} | {_median(found, lambda one: one.cpu_us):,.0f}"
            f" | {cpu:+.0%} | {direct_wall:,.0f} µs | {wall:+.0%} |"
        )
    print(f"goal from batches of {_GOAL_FROM_SIZE} on: {_OVERHEAD_GOAL}")


def _median(cells: Sequence[Cell], value: Callable[[Cell], float]) -> float:
    return statistics.median(map(value, cells))
