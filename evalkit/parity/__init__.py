"""Whether completions get the same grades in process, on a server, by each trainer's client, and in its log."""

from evalkit.parity.comparing import Comparison, Difference, Summary, compare
from evalkit.parity.items import Item, Outcome
from evalkit.parity.reading import read_items
from evalkit.parity.rows import RowForm
from evalkit.parity.ways import Way, check_servers, parse_ways

__all__ = [
    "Comparison",
    "Difference",
    "Item",
    "Outcome",
    "RowForm",
    "Summary",
    "Way",
    "check_servers",
    "compare",
    "parse_ways",
    "read_items",
]
