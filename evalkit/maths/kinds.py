"""What a parsed answer is, in words for people."""

from evalkit.maths.decimals import as_decimal, is_scientific
from evalkit.maths.intervals import is_plainly_a_set
from evalkit.maths.tree import (
    Call,
    Matrix,
    Name,
    Node,
    Number,
    Numeral,
    Relation,
    Sequence,
    Unit,
    Words,
    names_in,
)

_SEQUENCES = {"{}": "set", "()": "tuple or interval", "[]": "list or interval"}


def kind_of(node: Node) -> str:
    if is_plainly_a_set(node):
        return "set of real numbers"
    match node:
        case Numeral(_, base):
            return f"number in base {base}"
        case Words():
            return "words"
        case Matrix(rows):
            return f"matrix {len(rows)}x{len(rows[0])}"
        case Relation():
            return "relation"
        case Sequence(brackets, _):
            return _SEQUENCES.get(brackets, "list")
        case _:
            return _kind_of_value(node)


def _kind_of_value(node: Node) -> str:
    if is_scientific(node):
        return "number in scientific notation"
    if as_decimal(node):
        return "decimal"
    match node:
        case Number(value):
            return "whole number" if value.denominator == 1 else "fraction"
        case Call("ratio", _):
            return "ratio"
        case Call("*", (_, Unit())):
            return "quantity"
        case Name():
            return "variable"
        case _:
            return _kind_of_expression(node)


def _kind_of_expression(node: Node) -> str:
    names = sorted(names_in(node))
    return f"expression in {', '.join(names)}" if names else "constant expression"
