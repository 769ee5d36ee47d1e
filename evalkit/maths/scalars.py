"""Whether two single values are the same: numbers, expressions, quantities, ratios, infinities."""

from dataclasses import dataclass
from fractions import Fraction

from evalkit.maths.decimals import as_decimal, is_scientific
from evalkit.maths.expressions import same_expression
from evalkit.maths.tree import INFINITY, MINUS_INFINITY, Call, Node, Number, Numeral, number
from evalkit.maths.units import has_unit, measured


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a value may be from a gold that is a decimal or in scientific notation."""

    relative: float = 0.0
    absolute: float = 0.0


EXACT = Tolerance()


def same_scalar(gold: Node, answer: Node, tolerance: Tolerance = EXACT) -> bool:
    if gold == answer:
        return True
    if _infinity(gold) or _infinity(answer):
        return _infinity(gold) == _infinity(answer)
    if isinstance(gold, Numeral) or isinstance(answer, Numeral):
        return _same_numerals(gold, answer)
    if _is_ratio(gold) and _is_ratio(answer):
        return _same_ratios(gold, answer, tolerance)
    return _same_quantities(gold, answer, tolerance)


def _same_quantities(gold: Node, answer: Node, tolerance: Tolerance) -> bool:
    """A unit that only one of them has is left out; two units must measure the same thing."""
    if has_unit(gold) and has_unit(answer):
        units = measured(gold), measured(answer)
        if units[0] and units[1]:
            if units[0][0] != units[1][0]:
                return False
            gold = Call("*", (gold, number(units[0][1])))
            answer = Call("*", (answer, number(units[1][1])))
    return same_expression(gold, answer) or _is_within(gold, answer, tolerance)


def _is_within(gold: Node, answer: Node, tolerance: Tolerance) -> bool:
    if tolerance == EXACT or not (as_decimal(gold) or is_scientific(gold)):
        return False
    if same_expression(gold, answer, noise=Fraction(tolerance.relative)):
        return True
    allowed = number(Fraction(tolerance.absolute))
    distance = Call("abs", (Call("-", (gold, answer)),))
    return same_expression(Call("max", (distance, allowed)), allowed)


def _infinity(node: Node) -> int:
    """1 and -1 for the infinities, 0 for everything else."""
    if node == INFINITY:
        return 1
    return -1 if node == MINUS_INFINITY else 0


def _same_numerals(gold: Node, answer: Node) -> bool:
    """Equal in the same base; digits without a base are in the base that the other names."""
    match gold, answer:
        case (Numeral(left, base), Numeral(right, other)) if base == other:
            return left.lstrip("0") == right.lstrip("0")
        case (Numeral(digits, _), Number(value)) | (Number(value), Numeral(digits, _)):
            return digits.isdecimal() and value == int(digits)
        case _:
            return same_expression(gold, answer)


def _is_ratio(node: Node) -> bool:
    return isinstance(node, Call) and node.operator == "ratio"


def _same_ratios(gold: Node, answer: Node, tolerance: Tolerance) -> bool:
    """Proportional; with a zero or a unit in it, equal part by part."""
    assert isinstance(gold, Call)
    assert isinstance(answer, Call)
    if len(gold.args) != len(answer.args):
        return False
    pairs = list(zip(gold.args, answer.args, strict=True))
    if all(same_scalar(left, right, tolerance) for left, right in pairs):
        return True
    has_zero = any(same_expression(part, number(0)) for part in gold.args + answer.args)
    if has_zero or any(map(has_unit, gold.args + answer.args)):
        return False
    (first, other), *_ = pairs
    return all(
        same_expression(Call("*", (left, other)), Call("*", (right, first)))
        for left, right in pairs
    )
