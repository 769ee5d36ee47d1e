r"""Finds `\boxed{...}` and `\fbox{...}`, from the end of a text, in time linear in its length.

A box is balanced and not empty; of boxes within each other the innermost counts. Models also write
`\\boxed`, `boxed{5}` without a backslash, `\boxed 5` without braces, and an escaped
brace at the end of the text, which closes.
"""

import re

from evalkit.maths.spans import Span, trimmed

# An escaped brace is no brace. Some models escape twice, hence up to four backslashes.
_TOKEN = re.compile(
    r"\\{1,4}+(?:boxed|fbox)\s*+(?:(?P<bare>[-+\d.][^\s{}$\\]*+)|(?P<open>\{))"
    r"|(?<![A-Za-z\\])(?:boxed|fbox)\{"
    r"|\\.|[{}]",
    re.DOTALL,
)

# What may stand between boxes that are one answer: at least one separator, and a name to be
# assigned to, as in `x = \boxed{1}$ and $y = \boxed{2}`.
_FILLER = r"(?:[\s$&~]|\\[()\[\],;:! ]|\\\\)*+"
_SEPARATOR = (
    r"(?:[,;、，]|\\q?quad|(?:and|or|et|ou|und|oder)\b|和|或"
    r"|\\(?:text|textrm|mbox|mathrm)\s*+\{\s*+(?:,|and|or)\s*+\})"
)
_NAME = r"(?:[A-Za-z](?:_(?:\w|\{\w{1,4}+\}))?+\s*+=)?+"
_CLOSING = r"[\s*_`.]*+\}?+"
_BETWEEN = re.compile(rf"{_CLOSING}{_FILLER}(?:{_SEPARATOR}{_FILLER})++{_NAME}{_FILLER}")
_MAX_BETWEEN = 100

_EMPTY = re.compile(r"[\s*_`.]*+\}")


def last_boxes(text: str, start: int, end: int) -> list[Span]:
    """The contents of the last box and of those that stand together with it, in their order.

    Empty where the text ends inside its last box: then an earlier one is not the answer.
    """
    position = _last_mention(text, start, end)
    if position < 0:
        return []
    group = find_boxes(text, position, end)[-1:]
    if not group:
        return [] if _is_left_open(text, position, end) else find_boxes(text, start, end)[-1:]
    while (previous := _last_mention(text, start, position)) >= 0:
        before = find_boxes(text, previous, position)
        if not before or not _stand_together(text, before[-1][1], position):
            break
        group.append(before[-1])
        position = previous
    return group[::-1]


def find_boxes(text: str, start: int, end: int) -> list[Span]:
    """The trimmed contents of all boxes in text[start:end]."""
    boxes: list[Span] = []
    open_braces: list[int | None] = []  # where a box's content starts; None for any other brace
    for token in _TOKEN.finditer(text, start, end):
        mark = token.group()
        if token["bare"]:
            _append(boxes, trimmed(text, *token.span("bare")))
        elif mark == "}":
            content = open_braces.pop() if open_braces else None
            if content is not None:
                _append(boxes, trimmed(text, content, token.start()))
        elif mark[-1] == "{" and mark != r"\{":
            open_braces.append(None if mark == "{" else token.end())
    if open_braces and open_braces[-1] is not None and text.endswith("\\}", start, end):
        _append(boxes, trimmed(text, open_braces[-1], end - 2))
    return boxes


def _append(boxes: list[Span], box: Span) -> None:
    is_empty = box[0] == box[1]
    holds_the_last = bool(boxes) and box[0] <= boxes[-1][0]
    if not is_empty and not holds_the_last:
        boxes.append(box)


def _last_mention(text: str, start: int, end: int) -> int:
    r"""Where the last `boxed` or `fbox` starts, its backslashes included; -1: nowhere."""
    position = text.rfind("box", start, end)
    while position >= 0 and not text.startswith("ed", position + 3):
        if position > start and text[position - 1] == "f":
            position -= 1
            break
        position = text.rfind("box", start, position)
    while position > start and text[position - 1] == "\\":
        position -= 1
    return position


def _is_left_open(text: str, mention: int, end: int) -> bool:
    """Whether the box there, in which no content was found, lacks its closing brace."""
    opening = _TOKEN.match(text, mention, end)
    if opening is None or not opening.group().endswith("{"):
        return False
    return _EMPTY.match(text, opening.end(), end) is None


def _stand_together(text: str, content_end: int, mention: int) -> bool:
    is_near = mention - content_end <= _MAX_BETWEEN
    return is_near and _BETWEEN.fullmatch(text, content_end, mention) is not None
