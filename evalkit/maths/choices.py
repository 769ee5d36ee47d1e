"""Reads the letter of a multiple-choice answer."""

import re

from evalkit.maths.sentences import last_sentence
from evalkit.maths.spans import Span

_WRAPPING = (
    r"(?:\\(?:text|textbf|mathrm|mathbf|rm|bf)\b|\\[(\[]|[\s(\[{$*\"']|[Oo]ption\b|[Cc]hoice\b)*+"
)
_CLOSING = r"(?:[\s)\]}.,*$\"']|\\[)\]])*+"
_END = rf"(?=[)\]}}.:*]{{1,4}}+\\?\s|{_CLOSING}\Z)"
_LETTER = re.compile(rf"{_WRAPPING}(?P<letter>[A-Z]){_END}")
_SEVERAL = re.compile(r"\b[A-Z]\)?\s*+(?:,|/|and|or|&)\s*+(?:and |or )?\(?[A-Z]\b")
_MENTION = re.compile(
    r"(?:[Oo]ption|[Cc]hoice|[Ss]election|[Aa]nswer|选)(?:\s+(?:is|option|choice))*+[\s:：(*]*+"
    r"(?P<letter>[A-Z])(?=[\s*]*+(?:[.,:;)。]|is\b|because\b|since\b|\Z))|\((?P<bracketed>[A-Z])\)"
)


def read_letter(text: str, start: int, end: int) -> Span | None:
    """The single letter that the answer text[start:end] begins with, whatever wraps it."""
    letter = _LETTER.match(text[start:end])
    if letter is None or _SEVERAL.search(text, start, end):
        return None
    return start + letter.start("letter"), start + letter.end("letter")


def last_letter(text: str, start: int, end: int) -> Span | None:
    """The letter of the only option that the last sentence names."""
    mentions = list(_MENTION.finditer(text, *last_sentence(text, start, end)))
    letters = {mention["letter"] or mention["bracketed"] for mention in mentions}
    if len(letters) != 1:
        return None
    last = mentions[-1]
    return last.span("letter" if last["letter"] else "bracketed")
