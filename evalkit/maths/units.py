"""Units of measurement beside a value."""

import re
from fractions import Fraction

from evalkit.maths.tree import Call, Node, Number, Unit
from evalkit.maths.vocabulary import UNITS

Signature = tuple[tuple[str, int], ...]
"""Dimensions with their powers, in alphabetical order."""

_COMMON = frozenset(("cm", "mm", "km", "kg", "ft", "in", "lb", "am", "pm", "hr", "ml"))
_LETTERS = re.compile(r"[a-zA-Z]++")
_MEASURED = re.compile(r"(-?[\d.,]++(?:[eE][+-]?\d++)?+)[ ]+([a-zA-Z][a-zA-Z/^*\d{}() -]*+)")


def with_marked_units(text: str) -> str | None:
    """`9.8 m/s^2` with its units as such; None where there are letters that are no units."""
    match = _MEASURED.fullmatch(text)
    if match is None or any(_singular(run) not in UNITS for run in _LETTERS.findall(match[2])):
        return None
    return match[1] + _LETTERS.sub(lambda unit: f"\\text{{{unit[0]}}}", match[2])


def has_unit(node: Node) -> bool:
    return bool(_powers(node, 1))


def measured(node: Node) -> tuple[Signature, Fraction] | None:
    """The dimensions of a product of units, and what it is in basic units.

    None where a unit is unknown: words such as "apples", which may be left out or said otherwise.
    """
    found = list(_powers(node, 1))
    if not found or any(name not in UNITS for name, _ in found):
        return None
    dimensions: dict[str, int] = {}
    factor = Fraction(1)
    for name, power in found:
        dimension, size = UNITS[name]
        dimensions[dimension] = dimensions.get(dimension, 0) + power
        factor *= Fraction(size) ** power
    return tuple(sorted(dimensions.items())), factor


def _powers(node: Node, sign: int) -> list[tuple[str, int]]:
    match node:
        case Unit(words):
            return [(_singular(words), sign)]
        case Call("^", (Unit(words), Number(power))) if power.denominator == 1 and abs(power) < 10:
            return [(_singular(words), sign * int(power))]
        case Call("deg", _):
            return [("degree", sign)]
        case Call("/", (left, right)):
            return _powers(left, sign) + _powers(right, -sign)
        case Call("*" | "neg", args):
            return [found for arg in args for found in _powers(arg, sign)]
        case _:
            return []


def _singular(words: str) -> str:
    """The key in UNITS, where there is one. Short symbols have a case: `mW` is not `MW`."""
    bare = words.strip(" .~")
    for name in (bare, bare.lower()) if len(bare) > 2 or bare.lower() in _COMMON else (bare,):
        for one in (name, name.removesuffix("s")):
            if one in UNITS:
                return one
    return bare
