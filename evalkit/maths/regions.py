"""Unions, complements and intersections of intervals whose ends are numbers."""

from evalkit.maths.evaluate import Evaluator
from evalkit.maths.inequalities import Interval
from evalkit.maths.tree import INFINITY, MINUS_INFINITY, PI, Node
from evalkit.maths.whole import UndefinedError, Value

_ENDS = {INFINITY: float("inf"), MINUS_INFINITY: float("-inf")}
_DIGITS = 30

Parts = list[Interval]


def simplified(parts: Parts | None) -> Parts | None:
    """Disjoint and in order; as they are where an end is no number, or a part is empty."""
    if parts is None:
        return None
    keyed = [(_position(part.low), _position(part.high), part) for part in parts]
    if any(low is None or high is None or low > high for low, high, _ in keyed):
        return parts
    found: Parts = []
    for _, _, part in sorted(keyed, key=lambda one: (one[0], not one[2].closed[0])):
        if found and _touch(found[-1], part):
            found[-1] = _merged(found[-1], part)
        else:
            found.append(part)
    return found


def complement(parts: Parts | None) -> Parts | None:
    """What the parts leave of the line; None where an end is no number."""
    ordered = simplified(parts)
    if ordered is None or any(
        _position(end) is None for one in ordered for end in (one.low, one.high)
    ):
        return None
    gaps: Parts = []
    low: Node = MINUS_INFINITY
    is_closed = False
    for part in ordered:
        gaps.append(Interval(low, part.low, (is_closed, not part.closed[0])))
        low, is_closed = part.high, not part.closed[1]
    gaps.append(Interval(low, INFINITY, (is_closed, False)))
    return [gap for gap in gaps if not _is_empty(gap)]


def intersection(left: Parts | None, right: Parts | None) -> Parts | None:
    outside = complement(left), complement(right)
    if outside[0] is None or outside[1] is None:
        return None
    return complement(outside[0] + outside[1])


def _position(end: Node) -> Value:
    """On the line; None for what is no number."""
    if end in _ENDS:
        return _ENDS[end]
    try:
        return Evaluator({}, digits=_DIGITS).values(end, PI)[0]
    except UndefinedError:
        return None


def _is_empty(part: Interval) -> bool:
    low, high = _position(part.low), _position(part.high)
    is_infinite = low == high and part.low in _ENDS
    return bool(low > high or is_infinite or (low == high and not all(part.closed)))


def _touch(left: Interval, right: Interval) -> bool:
    """Whether no point lies between, where `right` does not begin before `left`."""
    end, start = _position(left.high), _position(right.low)
    return bool(start < end or (start == end and (left.closed[1] or right.closed[0])))


def _merged(left: Interval, right: Interval) -> Interval:
    ends = _position(left.high), _position(right.high)
    is_closed = left.closed[1] if ends[0] >= ends[1] else right.closed[1]
    if ends[0] == ends[1]:
        is_closed = left.closed[1] or right.closed[1]
    high = left.high if ends[0] >= ends[1] else right.high
    return Interval(left.low, high, (left.closed[0], is_closed))
