"""Stretches of a text as [start, end), and how their edges are cleaned."""

Span = tuple[int, int]

# Quotation marks, and the marks of Markdown emphasis and code.
_MARKS = '*`"“”'
_STOPS = ".。,;"


def trimmed(text: str, start: int, end: int) -> Span:
    """The span without white space, quotes and emphasis around it, and without a final full stop.

    Dots that are part of the mathematics stay: an ellipsis, and the empty `\\right.`.
    """
    while start < end and _is_edge(text[start]):
        start += 1
    while start < end and (_is_edge(text[end - 1]) or _is_full_stop(text, start, end)):
        end -= 1
    return start, end


def _is_edge(character: str) -> bool:
    return character in _MARKS or character.isspace()


def _is_full_stop(text: str, start: int, end: int) -> bool:
    if text[end - 1] not in _STOPS or text[end - 2 : end - 1] == "\\":
        return False
    return not text.endswith(("...", "\\right.", "\\left."), start, end)
