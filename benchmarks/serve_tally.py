"""What was asked, what was answered, and what went wrong, counted by kind. Safe from any thread."""

import threading
from collections import Counter
from collections.abc import Mapping

LEFT_OUT = "not sent: too much under way"
REFUSED = "connection refused"
LOST_CONNECTION = "connection lost"
SILENT = "no answer"


class Tally:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_requests: Counter[str] = Counter()
        self._num_items = 0
        self._faults: Counter[str] = Counter()

    def add(self, kind: str, num_items: int, faults: Mapping[str, int]) -> None:
        """One request of a kind. Items without a fault were answered as they should be."""
        with self._lock:
            self._num_requests[kind] += 1
            self._num_items += num_items
            self._faults.update(faults)

    @property
    def num_items(self) -> int:
        with self._lock:
            return self._num_items

    @property
    def requests(self) -> Counter[str]:
        with self._lock:
            return self._num_requests.copy()

    @property
    def faults(self) -> Counter[str]:
        with self._lock:
            return +self._faults


def shown(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in sorted(counts.items())) or "none"
