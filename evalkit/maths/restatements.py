"""Whether what follows a box says something else than the box."""

import re

from evalkit.maths.choices import read_letter
from evalkit.maths.sentences import first_sentence, has_value, is_prose
from evalkit.maths.spans import Span

_MARKUP = re.compile(r"\\(?:left|right|text|mathrm|[dt](?=frac)|[,;:! ]|[()\[\]])|[\s${}\\]")


def contradicts(text: str, restated: Span, boxes: list[Span], end: int) -> bool:
    """Whether the restatement is a value, not a remark, and lacks a value of the boxes."""
    if not (has_value(text, *restated) or read_letter(text, *restated)):
        return False
    if is_prose(text, *first_sentence(text, restated[0], end)):
        return False
    said = bare(text[slice(*restated)])
    return any(not _occurs(bare(text[slice(*box)]), said) for box in boxes)


def bare(answer: str) -> str:
    """An answer without its markup and white space."""
    return _MARKUP.sub("", answer)


def _occurs(part: str, whole: str) -> bool:
    """Whether `part` stands in `whole`, not merely within a longer number or word."""
    before = r"(?<![-\d.])" if part[:1].isdigit() else r"(?<![A-Za-z])"
    after = r"(?!\d|\.\d)" if part[-1:].isdigit() else r"(?![A-Za-z])"
    return re.search(before + re.escape(part) + after, whole) is not None
