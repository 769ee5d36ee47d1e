"""The normal form of an answer: one text for what is written in many ways."""

from fractions import Fraction
from functools import lru_cache

from evalkit.maths.commas import comma_readings
from evalkit.maths.evaluate import Evaluator
from evalkit.maths.numerals import exact_number
from evalkit.maths.parser import parse
from evalkit.maths.spelling import one_spelling
from evalkit.maths.tokens import UnreadableError
from evalkit.maths.tree import Call, Node, Unit, names_in, walk
from evalkit.maths.whole import UndefinedError
from evalkit.maths.words import bare_spelling

_DIGITS = 15
_NUM_ANSWERS = 100_000


@lru_cache(_NUM_ANSWERS)
def normal_form(answer: str) -> str:
    """Equal forms are equal answers. The reverse does not hold: `x+1` and `1+x` differ here."""
    reading, *_ = comma_readings(one_spelling(answer))
    value = exact_number(reading)
    if value is not None:
        return str(value)
    try:
        node = parse(reading)
    except UnreadableError:
        return bare_spelling(reading)
    value = _exact_value(node)
    return str(value) if value is not None else repr(node)


def _exact_value(node: Node) -> Fraction | None:
    """Of a rational number without percent sign and units; `\\$5` is 5."""
    if names_in(node) or any(map(_changes_meaning, walk(node))):
        return None
    try:
        value = Evaluator({}, digits=_DIGITS).value(node)
    except UndefinedError:
        return None
    return value if isinstance(value, Fraction) else None


def _changes_meaning(node: Node) -> bool:
    match node:
        case Unit(words):
            return words != "dollar"
        case Call(operator, _):
            return operator == "%"
        case _:
            return False
