"""The value of an expression at a point: exact where it can be, else to many digits."""

import zlib
from collections.abc import Mapping
from fractions import Fraction

from evalkit.maths.operations import Convention, Operations
from evalkit.maths.tree import (
    EULER,
    IMAGINARY,
    PI,
    Call,
    Name,
    Node,
    Number,
    Numeral,
    Sequence,
    Unit,
    walk,
)
from evalkit.maths.vocabulary import TRIGONOMETRIC
from evalkit.maths.whole import UndefinedError, Value

_DEFAULT = Convention()


class Evaluator:
    """Evaluates at `point`, to about `digits` digits. In the reals, unless `is_complex`."""

    def __init__(
        self,
        point: Mapping[str, Fraction],
        *,
        digits: int,
        is_complex: bool = False,
        convention: Convention = _DEFAULT,
    ) -> None:
        self._operations = Operations(digits, is_complex=is_complex, convention=convention)
        self._point = point
        self._is_complex = is_complex
        self._in_angle = False

    def values(self, *nodes: Node) -> tuple[Value, ...]:
        """All Fractions, or all numbers of mpmath. Raises UndefinedError."""
        try:
            return self._operations.same_kind(*map(self._value, nodes))
        except (ZeroDivisionError, OverflowError, ValueError, TypeError) as error:
            # TypeError: complex numbers have no order, and functions a number of arguments.
            raise UndefinedError(str(error)) from error

    def value(self, node: Node) -> Value:
        """Raises UndefinedError."""
        return self.values(node)[0]

    def _value(self, node: Node) -> Value:
        match node:
            case Number(value):
                return value
            case Call("deg", (angle,)):
                value = self._value(angle)
                return self._operations.degrees(value) if self._in_angle else value
            case Call(operator, args) if operator in TRIGONOMETRIC:
                return self._trigonometric(operator, args)
            case Call("apply", (Name(name), *arguments)):
                values = tuple(map(self._value, arguments))
                return self._operations.apply("apply", (_constant_of(name), *values))
            case Call(operator, args):
                return self._operations.apply(operator, tuple(map(self._value, args)))
            case Name(name):
                return self._point[name] if name in self._point else self._constant(node)
            case Unit():
                return Fraction(1)
            case Numeral(digits, base):
                return Fraction(int(digits, base))
            case Sequence(_, (item,)):
                return self._value(item)
        raise UndefinedError(f"{type(node).__name__} has no value")

    def _constant(self, name: Name) -> Value:
        context = self._operations.context
        if name == PI:
            return +context.pi
        if name == EULER:
            return +context.e
        if name == IMAGINARY and self._is_complex:
            return context.mpc(0, 1)
        raise UndefinedError(f"{name.name} has no value")

    def _trigonometric(self, name: str, args: tuple[Node, ...]) -> Value:
        """A degree sign means something only within."""
        before, self._in_angle = self._in_angle, True
        try:
            return self._operations.apply(name, tuple(map(self._value, args)))
        finally:
            self._in_angle = before


def _constant_of(name: str) -> Fraction:
    """A number by which functions of different names differ."""
    return 1 + Fraction(zlib.crc32(name.encode()) % 10007, 10007)


def is_numeric(node: Node) -> bool:
    """Whether it can have a value at all: no sets, relations, matrices or words in it."""
    return all(isinstance(one, Number | Numeral | Name | Unit | Call) for one in walk(node))
