"""`lcb@RELEASE[@START..END]`: any release and window of LiveCodeBench by name."""

import re
from dataclasses import dataclass

from evalkit.code_data.lcb import LcbSource
from evalkit.types import UsageError

ANY_WINDOW = "lcb@RELEASE[@START..END]"


@dataclass(frozen=True, slots=True)
class NamedWindow:
    """`name` can be that of a directory; `title` is for people."""

    name: str
    title: str
    source: LcbSource


def is_window(name: str) -> bool:
    return name == "lcb" or name.startswith("lcb@")


def named_window(text: str) -> NamedWindow:
    """Raises UsageError for a text of another form, a release that does not exist, and a day that is none."""
    found = re.fullmatch(r"lcb@(v\d+)(?:@([\d-]*)\.\.([\d-]*))?", text)
    if not found:
        raise UsageError(
            f"{text!r}: any window of LiveCodeBench is asked for as lcb@v6 or "
            f"lcb@v6@2024-08-01..2025-02-01, where either day may be left out"
        )
    release, start, end = found[1], found[2] or None, found[3] or None
    parts = [
        "lcb",
        release,
        *([start] if start else ["to"] if end else []),
        *([end] if end else []),
    ]
    days = [f"from {start}"] * bool(start) + [f"to {end}"] * bool(end)
    title = f"LiveCodeBench release_{release}" + (f", {' '.join(days)}" if days else "")
    return NamedWindow("-".join(parts), title, LcbSource(release=release, start=start, end=end))
