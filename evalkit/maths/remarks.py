"""What writers add behind an answer without changing it: remarks, and where a parameter is from."""

import re

from evalkit.maths.vocabulary import MULTIPLIERS, NO_UNITS

_REMARK = re.compile(r"(?<=\S) *+\\text\{ ?\(([^(){}\d]{3,}+)\) ?\}$")
_DOMAIN = re.compile(
    r"(?<=\S) *+(?:[,;]|\\q?quad|\\text\{[ ,]*+(?:for|where|with)[^{}]{0,20}+\}) ?[a-z] ?\\in ?"
    r"\\mathbb ?\{?Z\}?$"
)
_CONDITION = re.compile(r"[<>]|\\(?:le|ge|lt|gt|ne)(?:q|qslant)?(?![a-zA-Z])")
_MEANINGFUL = NO_UNITS | frozenset(MULTIPLIERS) | {"or", "and"}


def without_remarks(text: str) -> str:
    """`5 \text{ (the only solution)}` is 5; `5 \text{ (million)}` is not."""
    remark = _REMARK.search(text) if text.endswith("}") else None
    if remark and _MEANINGFUL.isdisjoint(remark[1].lower().split()):
        text = text[: remark.start()]
    if "\\in" in text and not _CONDITION.search(text):
        text = _DOMAIN.sub("", text)
    return text
