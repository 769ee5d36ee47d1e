"""The nodes of a parsed answer. They are plain data: nothing in them is ever executed."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Number:
    """An exact value. `digits` counts the significant digits of a decimal; None: not a decimal.

    `decimals` counts those after the point, less than 0 where a power of ten was attached.
    """

    value: Fraction
    digits: int | None = None
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Numeral:
    """Digits in a base that is written beside them, as in `2516_8`."""

    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, with subscripts, primes and accents as part of its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measurement, or words that stand where a unit would."""

    words: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or a function with its arguments; for `operator` see `evaluate`."""

    operator: str
    args: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Items between two brackets; `brackets` is "" for a bare list, ";" for a list of lists."""

    brackets: str
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain such as `0 < x \\le 5`: one operator fewer than sides."""

    operators: tuple[str, ...]
    sides: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of equal length."""

    rows: tuple[tuple["Node", ...], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """An answer in words, folded to lower case."""

    text: str


Node = Number | Numeral | Name | Unit | Call | Sequence | Relation | Matrix | Words

PI = Name("pi")
EULER = Name("e")
IMAGINARY = Name("i")
INFINITY = Name("oo")
REALS = Name("RR")
MINUS_INFINITY = Call("neg", (INFINITY,))
CONSTANTS = frozenset({PI, EULER, IMAGINARY, INFINITY})


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Call(_, args):
            return args
        case Sequence(_, items):
            return items
        case Relation(_, sides):
            return sides
        case Matrix(rows):
            return tuple(cell for row in rows for cell in row)
        case _:
            return ()


def depth_of(node: Node) -> int:
    """How many levels there are, without recursion."""
    depth = 0
    level = [node]
    while level:
        depth += 1
        level = [child for one in level for child in children(one)]
    return depth


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def size_of(node: Node) -> int:
    return sum(1 for _ in walk(node))


def names_in(node: Node) -> frozenset[str]:
    """The variables; constants such as pi are none, and neither are names of functions."""
    if isinstance(node, Name):
        return frozenset() if node in CONSTANTS else frozenset((node.name,))
    inner = children(node)[1:] if _is_application(node) else children(node)
    return frozenset().union(*map(names_in, inner))


def letters_in(node: Node) -> frozenset[str]:
    """The letters that the names of variables and functions begin with."""
    return frozenset(one.name[0] for one in walk(node) if isinstance(one, Name))


def _is_application(node: Node) -> bool:
    return isinstance(node, Call) and node.operator == "apply"


def number(value: int | Fraction) -> Number:
    return Number(Fraction(value))
