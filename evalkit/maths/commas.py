"""What commas between digits may mean."""

import re
from collections.abc import Iterable

_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}+(?:,\d{3}(?!\d))++(?!,\d)")
_SHORT_DECIMAL = re.compile(r"\d,\d(?!\d)")
_DECIMAL_COMMA = re.compile(r"(?<![\d.,])(\d++),(0*[1-9]\d*+)(?![\d.]|,\d)")
_COMMA = re.compile(r"\d,\d")


def comma_readings(text: str, *, is_gold: bool = False) -> Iterable[str]:
    """What commas between digits may mean: thousands, separators, or a decimal comma.

    `1,234` may be a number or two; `2,74` may be two numbers or 2.74. The gold `3,5` is two, and so is
    every `(1,234)`.
    """
    if not _COMMA.search(text) or text.lstrip("\\").startswith(("(", "[", "{")):
        return (text,)
    readings = [_THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)]
    if text not in readings:
        readings.append(text)
    elif _is_one_number(text) and not (is_gold and _SHORT_DECIMAL.search(text)):
        decimal = _DECIMAL_COMMA.sub(r"\1.\2", text)
        readings += [decimal] if decimal != text else []
    return readings


def _is_one_number(text: str) -> bool:
    return text.count(",") == 1 and not set(text) & set("()[]{};")
