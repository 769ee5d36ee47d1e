"""What words mean that stand beside a value: a unit, a number word, or nothing known."""

from evalkit.maths.tokens import UnreadableError
from evalkit.maths.tree import Call, Name, Node, Unit, Words, number
from evalkit.maths.vocabulary import MULTIPLIERS, NO_UNITS, UNITS

_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}


def as_unit(node: Node) -> Node:
    """Words beside a value are its unit, or a number; a letter that is no unit is a variable."""
    match node:
        case Words(text):
            return _unit(text)
        case Call("^", (Words(text), exponent)):
            return Call("^", (_unit(text), exponent))
        case Call("/", (Words() as over, under)):
            return Call("/", (as_unit(over), as_unit(under)))
        case _:
            return node


def _unit(text: str) -> Node:
    first, *others = text.split(" ")
    if first.removesuffix("s") in MULTIPLIERS:
        multiplier = number(MULTIPLIERS[first.removesuffix("s")])
        return Call("*", (multiplier, _unit(" ".join(others)))) if others else multiplier
    if first in _POWERS and others:
        return Call("^", (Unit(" ".join(others)), number(_POWERS[first])))
    if not NO_UNITS.isdisjoint((first, *others)):
        raise UnreadableError(f"{text!r} beside a value")
    if len(text) == 1 and text.isascii() and text not in UNITS:
        return Name(text)
    return Unit(text)
