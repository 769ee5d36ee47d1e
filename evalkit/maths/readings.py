"""What a text may mean: it is parsed, several times where it is ambiguous."""

from evalkit.maths.atoms import ForeignError
from evalkit.maths.commas import comma_readings
from evalkit.maths.numerals import read_numeral
from evalkit.maths.parser import parse
from evalkit.maths.spelling import one_spelling
from evalkit.maths.tokens import UnreadableError
from evalkit.maths.tree import Node, names_in
from evalkit.maths.units import with_marked_units
from evalkit.maths.words import PHRASES, as_words


def readings(text: str, *, is_gold: bool) -> tuple[list[Node], UnreadableError | None]:
    """What a text may mean: several things where commas between digits are ambiguous.

    In an answer, letters after a number and a space may be a unit that nobody marked.
    """
    spelled = one_spelling(text)
    words = as_words(spelled)
    if words in PHRASES:
        return [PHRASES[words]], None
    if numeral := read_numeral(spelled):
        return [numeral], None
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
    return found, None if found else first_error


def _parse(text: str) -> Node:
    """What foreign notation is said to be, where a number follows: `\\sum_{k=1}^n a_k = 5`."""
    try:
        return parse(text)
    except ForeignError:
        _, equals, last = text.rpartition("=")
        if not equals:
            raise
        try:
            value = parse(last)
        except UnreadableError:
            value = None
        if value is None or names_in(value):
            raise
        return value
