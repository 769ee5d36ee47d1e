"""Equations and inequalities in several variables: equal up to a constant factor."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise

from evalkit.maths.evaluate import Evaluator, is_numeric
from evalkit.maths.expressions import points, same_expression
from evalkit.maths.substitution import substituted
from evalkit.maths.tree import Call, Node, Number, Relation, names_in
from evalkit.maths.whole import UndefinedError

_MIRRORED = {">": "<", "ge": "le"}
_DIGITS = 30


def same_relation(gold: Relation, answer: Relation) -> bool:
    """Whether both chains say the same, link by link; `2x + 4y = 3` is `y = -x/2 + 3/4`."""
    if gold.operators == answer.operators == ("equiv",):
        return _same_congruence(gold, answer)
    if len(gold.operators) != len(answer.operators):
        return False
    chains = _links(gold), _links(answer)
    return _pairwise_same(*chains) or _pairwise_same(chains[0], chains[1][::-1])


def _same_congruence(gold: Relation, answer: Relation) -> bool:
    """`n \\equiv 1 \\pmod 4` is `n \\equiv 5 \\pmod 4`."""
    match gold.sides, answer.sides:
        case (
            (left, Call("mod", (residue, modulus))),
            (right, Call("mod", (other, same_modulus))),
        ) if left == right and same_expression(modulus, same_modulus):
            steps = Call("/", (Call("-", (residue, other)), modulus))
            return same_expression(steps, Call("floor", (steps,)))
        case _:
            return False


def _pairwise_same(gold: list[tuple[str, Node]], answer: list[tuple[str, Node]]) -> bool:
    return all(
        operator == other and _is_proportional(left, right, needs_sign=operator in ("<", "le"))
        for (operator, left), (other, right) in zip(gold, answer, strict=True)
    )


def _links(relation: Relation) -> list[tuple[str, Node]]:
    """Each as an operator and a difference to be compared with 0."""
    found: list[tuple[str, Node]] = []
    for operator, (left, right) in zip(relation.operators, pairwise(relation.sides), strict=True):
        if operator in _MIRRORED:
            operator, left, right = _MIRRORED[operator], right, left
        found.append((operator, Call("-", (left, right))))
    return found


def _is_proportional(left: Node, right: Node, *, needs_sign: bool) -> bool:
    if not (is_numeric(left) and is_numeric(right)) or names_in(left) != names_in(right):
        return False
    if not names_in(left):
        return False
    for point in points(sorted(names_in(left))):
        at = _at(left, point), _at(right, point)
        signs = [_sign(one) for one in at]
        if None in signs or 0 in signs:
            continue
        if needs_sign and signs[0] != signs[1]:
            return False
        return same_expression(Call("*", (left, at[1])), Call("*", (right, at[0])))
    return False


def _at(node: Node, point: Mapping[str, Fraction]) -> Node:
    for name, value in point.items():
        node = substituted(node, name, Number(value))
    return node


def _sign(node: Node) -> int | None:
    try:
        value = Evaluator({}, digits=_DIGITS).value(node)
    except UndefinedError:
        return None
    return int(value > 0) - int(value < 0)
