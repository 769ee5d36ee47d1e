"""What stands before the equals sign: a name for the value (`x = 5`), or half of an equation."""

from fractions import Fraction

from evalkit.maths.evaluate import is_numeric
from evalkit.maths.expressions import same_expression
from evalkit.maths.tree import (
    Call,
    Name,
    Node,
    Number,
    Relation,
    Sequence,
    Words,
    names_in,
    number,
    walk,
)
from evalkit.maths.vocabulary import TRIGONOMETRIC

_OPERATORS = frozenset(("+", "-", "*", "/", "^", "abs", "ratio", "deg"))
_ARGUMENTS = frozenset(("x", "t", "n", "z", "theta"))  # of `y(x)`, which reads as a product
_SHAPES = frozenset(("angle", "measuredangle", "triangle"))
_ROUNDING = Fraction(1, 20)
_FUNCTIONS = frozenset(("floor", "ceil", "mod", "gcd", "lcm", "det", "max", "min"))
_EQUALS = frozenset(("=", "approx"))


def value_of(node: Node, *, is_gold: bool = False) -> Node:
    """What a relation says that something is: `5` of `x = 5`, `2 = x` or `2 + 3 = 5`, S of `x \\in S`.

    Of `\\frac{1}{3} \\approx 0.33` it is the exact side. The node itself where it says no such thing, or where
    two of its numbers differ. A gold is taken at its word, but `x^2 + y^2 = 1` is an equation there.
    """
    if isinstance(node, Call):
        return _point_of(node)
    if not isinstance(node, Relation):
        return node
    if node.operators == ("in",):
        return node.sides[1]
    if not _EQUALS.issuperset(node.operators) or not (is_gold or _agree(node)):
        return node
    first, last = node.sides[0], node.sides[-1]
    if is_name(last) and not is_name(first) and len(node.sides) == 2:
        return first
    if "approx" in node.operators and (exact := _numbers(node)[:1]):
        return exact[0]
    is_computation = len(node.sides) > 2 and not names_in(last)
    if isinstance(first, Words) and isinstance(last, Words):
        return node
    is_said = is_computation or _is_quantity(first, last, is_gold=is_gold)
    is_result = _is_number(first) and is_numeric(last)
    return last if is_name(first) or is_result or is_said else node


def _point_of(node: Call) -> Node:
    """The coordinates of `P(3, -4)`."""
    match node:
        case Call("*", (Name(name), Sequence("()", (_, _, *_)) as coordinates)) if name[
            0
        ].isupper():
            return coordinates
        case _:
            return node


def _numbers(node: Relation) -> list[Node]:
    """The sides without variables."""
    return [side for side in node.sides if _is_number(side)]


def _is_number(node: Node) -> bool:
    has_function = any(isinstance(one, Call) and one.operator == "apply" for one in walk(node))
    return is_numeric(node) and not names_in(node) and not has_function


def _agree(node: Relation) -> bool:
    """Whether all sides that are numbers are the same one."""
    first, *others = _numbers(node) or [node]
    noise = _ROUNDING if "approx" in node.operators else Fraction(0)
    return all(same_expression(first, one, noise=noise) for one in others)


def name_of(node: Relation) -> Node:
    """The side that is not the value."""
    first, last = node.sides[0], node.sides[-1]
    return last if value_of(node) is first else first


def is_name(node: Node) -> bool:
    """A variable, `f(x)`, a tuple of variables, a length such as `|AB|`, or words."""
    match node:
        case Name() | Words():
            return True
        case Call("*", (Name(), Number() | Sequence() | Relation())) | Call("apply", _):
            return True
        case Call("*", (Name(), Call("union" | "intersection", _))):
            return True
        case Sequence("[]", (inner,)):
            return is_name(inner)
        case Call("/", (Call("*", (Name("d"), Name())), Call("*", (Name("d"), Name())))):
            return True
        case Call("*", (Name("Delta" | "delta"), Name())):
            return True
        case Call("*", (Name(), Name(argument))) if argument in _ARGUMENTS:
            return True
        case Call("*" | "abs", parts):
            return all(map(is_name, parts)) and _is_segment(node)
        case Sequence("()", items):
            return all(map(is_name, items))
        case _:
            return False


def _is_segment(node: Node) -> bool:
    """`ABC` and `\\vec{v}` are names as a whole; `xy` is a product."""
    return all(name[0].isupper() or ":" in name for name in names_in(node) - _SHAPES)


def _is_quantity(first: Node, last: Node, *, is_gold: bool) -> bool:
    """Whether an expression of several variables, as `m + n`, is said to be something without them.

    `x^2 = 5` says nothing of the kind: it is an equation for `x`.
    """
    base = first.args[0] if isinstance(first, Call) and first.operator == "^" else first
    is_function = isinstance(base, Call) and base.operator in TRIGONOMETRIC | _FUNCTIONS
    names = names_in(first)
    if names_in(last) & names or last == number(0) or not (is_function or len(names) > 1):
        return False
    if is_gold and names_in(last):
        return False
    if is_gold and not all(name[0].isupper() or name in _SHAPES for name in names):
        return False
    return _is_made_of_names(first)


def _is_made_of_names(node: Node) -> bool:
    if is_name(node):
        return True
    match node:
        case Call("^", (base, _)):
            return _is_made_of_names(base)
        case Call(operator, _) if operator in TRIGONOMETRIC | _FUNCTIONS:
            return True
        case Call(operator, args):
            return operator in _OPERATORS and all(map(_is_made_of_names, args))
        case _:
            return False


def same_name(gold: Node, answer: Node) -> bool:
    """Whether two names may mean the same thing: two variables must be equal, `y` and `f(x)` may."""
    if gold == answer or isinstance(gold, Words) or isinstance(answer, Words):
        return True
    one, other = (gold, answer) if isinstance(gold, Name) else (answer, gold)
    match one, other:
        case (Name(), Call("apply", _)):
            return True
        case (Name(), Call("*", (head, Name(argument)))):
            return head == one and argument in _ARGUMENTS
        case _:
            return False
