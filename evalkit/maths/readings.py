"""What a text may mean: it is parsed, several times where it is ambiguous."""

import re
from functools import lru_cache

from evalkit.maths.atoms import ForeignError
from evalkit.maths.commas import comma_readings
from evalkit.maths.numerals import read_numeral
from evalkit.maths.parser import parse
from evalkit.maths.spelling import one_spelling
from evalkit.maths.tokens import UnreadableError
from evalkit.maths.tree import Node, names_in
from evalkit.maths.units import with_marked_units
from evalkit.maths.words import PHRASES, as_words

_NUM_TEXTS = 1024
_SAYS_MORE = re.compile(
    r"[=<>,;]|\\(?:text|quad|le|ge|ne|approx|equiv|in)(?![a-zA-Z])|(?<![a-z])or(?![a-z])"
)


@lru_cache(_NUM_TEXTS)
def readings(text: str, *, is_gold: bool) -> tuple[tuple[Node, ...], UnreadableError | None]:
    """What a text may mean: several things where commas between digits are ambiguous.

    In an answer, letters after a number and a space may be a unit that nobody marked.
    """
    spelled = one_spelling(text)
    words = as_words(spelled)
    if words in PHRASES:
        return (PHRASES[words],), None
    if numeral := read_numeral(spelled):
        return (numeral,), None
    texts = list(comma_readings(spelled, is_gold=is_gold))
    if not is_gold and (marked := with_marked_units(spelled)):
        texts.append(marked)
    found: list[Node] = []
    first_error: UnreadableError | None = None
    for one in texts:
        try:
            found.append(_parse(one))
        except UnreadableError as error:
            first_error = first_error or error
    return tuple(found), None if found else first_error


def _parse(text: str) -> Node:
    """What foreign notation is said to be, where a number follows: `\\int_0^1 f = 5`."""
    try:
        return parse(text)
    except ForeignError:
        value = _stated_value(text)
        if value is None:
            raise
        return value


def _stated_value(text: str) -> Node | None:
    """The number after the only equals sign outside of braces. None where more than that is said."""
    before, _, last = text.rpartition("=")
    is_whole = before.count("{") == before.count("}")
    if not is_whole or _SAYS_MORE.search(re.sub(r"_\{[^{}]*+\}", "", before)):
        return None
    try:
        value = parse(last)
    except UnreadableError:
        return None
    return None if names_in(value) else value
