"""Sets of real numbers: intervals, unions, inequalities and conditions, all as lists of intervals."""

from collections.abc import Callable

from evalkit.maths.brackets import LISTS
from evalkit.maths.inequalities import LINE, Interval, joined, met, solutions, without
from evalkit.maths.regions import complement, intersection
from evalkit.maths.tree import REALS, Call, Name, Node, Relation, Sequence, names_in

_PAIRS = frozenset(("()", "[]", "(]", "[)", "]["))


def intervals_of(node: Node) -> list[Interval] | None:
    """None where the node is no set of real numbers, or one that is not understood."""
    match node:
        case Name() if node == REALS:
            return [LINE]
        case Sequence():
            return _of_sequence(node)
        case Call("union", (left, right)):
            return joined(map(intervals_of, (left, right)))
        case Call("minus", (left, right)):
            return _difference(left, right)
        case Call("intersection", (left, right)):
            return intersection(intervals_of(left), intervals_of(right))
        case Call("such", (item, condition)):
            return intervals_of(condition) if _is_variable_of(item, condition) else None
        case Relation(("in",), (_, inner)):
            return intervals_of(inner)
        case Relation():
            return solutions(node)
        case _:
            return None


def _difference(left: Node, right: Node) -> list[Interval] | None:
    whole = intervals_of(left)
    found = intersection(whole, complement(intervals_of(right)))
    if found is None and isinstance(right, Sequence) and right.brackets == "{}":
        return without(whole, right.items)
    return found


def _of_sequence(node: Sequence) -> list[Interval] | None:
    are_conditions = all(map(_is_condition, node.items))
    match node:
        case Sequence(brackets, (low, high)) if brackets in _PAIRS:
            return [Interval(low, high, (brackets[0] == "[", brackets[1] == "]"))]
        case Sequence("{}", points) if points:
            return [Interval(one, one, (True, True)) for one in points]
        case Sequence("or" | ";", parts) if are_conditions:
            return joined(map(intervals_of, parts))
        case Sequence("and" | "", parts) if are_conditions:
            return met([intervals_of(part) for part in parts])
        case Sequence("" | ";" | "and" | "or", parts) if all(map(_is_interval, parts)):
            return joined(map(intervals_of, parts))
        case _:
            return None


def is_plainly_a_set(node: Node) -> bool:
    """Whether it cannot be a point or a list as well."""
    match node:
        case Sequence(brackets, _):
            return brackets in ("(]", "[)") or (
                brackets in LISTS and all(map(_is_condition, node.items))
            )
        case Call("union" | "minus" | "such" | "intersection", _):
            return True
        case Relation():
            return _is_condition(node)
        case _:
            return node == REALS


def same_intervals(
    gold: list[Interval], answer: list[Interval], same: Callable[[Node, Node], bool]
) -> bool:
    """Equal as sets, in any order of the parts."""
    if len(gold) != len(answer):
        return False
    waiting = list(answer)
    for one in gold:
        found = next((other for other in waiting if _is_same(one, other, same)), None)
        if found is None:
            return False
        waiting.remove(found)
    return True


def _is_same(gold: Interval, answer: Interval, same: Callable[[Node, Node], bool]) -> bool:
    return (
        gold.closed == answer.closed and same(gold.low, answer.low) and same(gold.high, answer.high)
    )


def _is_interval(node: Node) -> bool:
    return isinstance(node, Sequence) and node.brackets in _PAIRS and len(node.items) == 2


def _is_condition(node: Node) -> bool:
    return isinstance(node, Relation) and not {"=", "approx"}.intersection(node.operators)


def _is_variable_of(item: Node, condition: Node) -> bool:
    """Whether a set holds what the condition is about, and any real number of it."""
    if isinstance(item, Relation) and item.operators == ("in",) and item.sides[1] == REALS:
        item = item.sides[0]
    return isinstance(item, Name) and names_in(condition) == {item.name}
