"""Reads the answer off the end of a text that announces none, where the text has come to an end."""

import re

from evalkit.maths.sentences import FORMULA, MAX_SENTENCE, is_prose, last_sentence, read_value
from evalkit.maths.spans import Span, trimmed

_MAX_WHOLE = 1_000
_MAX_SHORT = 300
_MAX_LAST_LINE = 60
_REPEATS = 3
_LOOP_WINDOW = 400
_LOOP_PIECE = 16

_ENDS = (".", "。", "!", "！", "$", "\\)", "\\]", "**", "**.")
_MIDDLE = frozenset(":,;=+-*/(<>&{\\")
_PAIRS = (("\\(", "\\)"), ("\\[", "\\]"), ("\\begin{", "\\end{"))
_LABEL = re.compile(r"[^\W\d_]{2,20}+(?: [^\W\d_]{1,20}+){0,3}+ ?[:：]\s++(?=\S)")
_BOX = re.compile(r"\b(?:boxed|fbox)\b")  # empty or cut off, as it was not found
_DISPLAY = re.compile(rf"(?:{FORMULA})[\s.]*+\Z", re.DOTALL)


def read_ending(text: str, start: int, end: int) -> tuple[str, Span] | None:
    """The rule and the answer: the whole of a bare answer, else the value of the last sentence."""
    start, end = _stripped(text, start, end)
    if label := _LABEL.match(text, start, end):
        start = label.end()
    if start == end:
        return None
    if _is_one_piece(text, start, end):
        start, end = trimmed(text, start, end)
        is_empty = start == end or _BOX.search(text, start, end)
        return None if is_empty else ("whole text", (start, end))
    if not _has_ended(text, start, end) or _BOX.search(text, *last_sentence(text, start, end)):
        return None
    if display := _last_display(text, start, end):
        return "last formula", display
    value = read_value(text, *last_sentence(text, start, end))
    return ("last sentence", value) if value else None


def _is_one_piece(text: str, start: int, end: int) -> bool:
    """Whether the text is one answer and nothing else: a line without a sentence, or a matrix."""
    if end - start > _MAX_WHOLE:
        return False
    if text.startswith("\\begin{", start):
        return text.rfind("\\end{", start, end) == text.find("\\end{", start, end) > 0
    return "\n" not in text[start:end] and not is_prose(text, start, end)


def _stripped(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _last_display(text: str, start: int, end: int) -> Span | None:
    r"""The formula in `\[...\]` or `$$...$$` that the text ends with."""
    tail_start = max(start, end - MAX_SENTENCE)
    for opening in ("\\[", "$$"):
        position = text.rfind(opening, tail_start, end - 4)
        if position >= 0 and _DISPLAY.fullmatch(text, position, end):
            return trimmed(text, position, end)
    return None


def _has_ended(text: str, start: int, end: int) -> bool:
    """Whether the text came to an end by itself: it is neither cut off nor in a loop."""
    if end - start > _MAX_SHORT and not _ends_a_sentence(text, start, end):
        return False
    if any(text.count(mark, start, end) % 2 for mark in ("```", "$$")):
        return False
    if _is_looping(text, start, end):
        return False
    return all(text.rfind(o, start, end) <= text.rfind(c, start, end) for o, c in _PAIRS)


def _ends_a_sentence(text: str, start: int, end: int) -> bool:
    last_line = text[max(start, text.rfind("\n", start, end) + 1) : end]
    if last_line.endswith(_ENDS):
        return True
    return len(last_line) <= _MAX_LAST_LINE and last_line[-1] not in _MIDDLE


def _is_looping(text: str, start: int, end: int) -> bool:
    window = text[max(start, end - _LOOP_WINDOW) : end]
    if len(window) > _LOOP_PIECE and window.count(window[-_LOOP_PIECE:]) > _REPEATS:
        return True
    sentence = text[slice(*last_sentence(text, start, end))]
    return len(sentence) > _LOOP_PIECE and text.count(sentence, start, end) >= _REPEATS
