r"""Whether a right answer stands near the end of a text, extracted or not.

Read are formulas between dollars, `\(…\)`, `\[…\]` or in a box, what follows the last sign of
equality in one, and words and numbers that are spelled as the gold is.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from evalkit.maths.boxes import find_boxes
from evalkit.maths.cheap import compare_cheaply
from evalkit.maths.spans import Span

_LAST_CHARS = 600
_SHOWN_CHARS = 40
_MAX_FORMULA_CHARS = 200

_MARKS = re.compile(r"\$\$?+|\\[()\[\]]")
# Two stars are bold type, not a product.
_BEFORE = re.compile(r"(?:[\w.\\]|(?:[-+/^_,(\[{<>]|(?<!\*)\*) ?)\Z")
_AFTER = re.compile(r"\w|\.\d|\s*+(?:[-+/^_=:(\[{<>]|\*(?!\*)|\\[^)\]])")


def find_mention(gold: str, text: str) -> str | None:
    """The surroundings of the gold in the last 600 characters, on one line; None without one."""
    tail = text[-_LAST_CHARS:]
    for start, end in _candidates(gold, tail):
        if (found := compare_cheaply(gold, tail[start:end])) and found.equal:
            around = tail[max(0, start - _SHOWN_CHARS) : end + _SHOWN_CHARS]
            return " ".join(around.split())
    return None


def _candidates(gold: str, text: str) -> Iterator[Span]:
    yield from _spelled(gold, text)
    for start, end in (*_formulas(text), *find_boxes(text, 0, len(text))):
        if end - start <= _MAX_FORMULA_CHARS:
            yield start, end
            if (equals := text.rfind("=", start, end)) >= 0:
                yield equals + 1, end


def _formulas(text: str) -> Iterator[Span]:
    """What stands between two marks; now and then that is the text between two formulas."""
    marks = [mark.span() for mark in _MARKS.finditer(text)]
    for (_, start), (end, _) in pairwise(marks):
        yield start, end


def _spelled(gold: str, text: str) -> Iterator[Span]:
    """Where the gold stands as it is, and not as a part of a longer word, number or formula."""
    position = len(text)
    while gold and (position := text.rfind(gold, 0, position)) >= 0:
        end = position + len(gold)
        if not _BEFORE.search(text, max(0, position - 3), position) and not _AFTER.match(text, end):
            yield position, end
        position = end - 1
