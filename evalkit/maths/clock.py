"""Times of day and dates: equal part by part, never computed with."""

import re

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))? ?(?:\\text\{ ?)?([aApP][mM])?\}?")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})|(\d{1,2})/(\d{1,2})/(\d{4})")
_ROUND = frozenset(("15", "30", "45"))


def same_moment(gold: str, answer: str) -> bool | None:
    """None where the gold is no time or date, and the answer no date. Half of a day is taken into account where both name it."""
    for read in (_time, _date):
        moments = read(gold), read(answer)
        if moments[0] is not None:
            return _agree(moments[0], moments[1])
    return None if _date(answer) is None else False


def _agree(gold: tuple[str, ...], answer: tuple[str, ...] | None) -> bool:
    if answer is None:
        return False
    *left, half = gold
    *right, other = answer
    return left == right and (half == other or not half or not other)


def _time(text: str) -> tuple[str, ...] | None:
    """Of `3:05 pm`; not of ratios such as `7:32`, which are seldom quarters of an hour."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second, half = match.groups()
    if (
        int(hour) > 24
        or int(minute) > 59
        or not (half or second or minute in _ROUND or minute[0] == "0")
    ):
        return None
    return (hour.lstrip("0"), minute, second or "", (half or "").lower())


def _date(text: str) -> tuple[str, ...] | None:
    match = _DATE.fullmatch(text)
    return (*(part or "" for part in match.groups()), "") if match else None
