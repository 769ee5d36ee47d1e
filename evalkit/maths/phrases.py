r"""Finds answers that a phrase announces: "The answer is 5", "Answer: 5", "#### 5", "答案是5"."""

import re
from collections import deque

from evalkit.maths.sentences import (
    MAX_SENTENCE,
    first_sentence,
    is_prose,
    read_formulas,
    read_value,
)
from evalkit.maths.spans import Span, trimmed

# Only the last phrases are tried, so that time stays linear.
_MAX_PHRASES = 8

_IS = (
    r"(?:\s(?:is|are|was|would be|will be|must be|should be|equals)\b(?!\snot\b)"
    r"(?:\s(?:therefore|thus|then|simply|just|indeed|also|now|given by|equal to|that)\b)*+"
    r"|[*_\s]{0,4}+[:：=])"
)
_ENGLISH = (
    rf"(?:s?+(?:\s(?:to|of|for)\s(?:(?!\sis\s)[^.:\n]){{1,80}}+)?+{_IS}"
    r"|(?<=inal [Aa]nswer)[*_ \t]*+\n)"
)
_FRENCH = r"(?:s?+(?: finales?)?+(?:\s(?:est|sont)\b|\s?:))"
_SPANISH = r"(?:s?+(?: final(?:es)?)?+(?:\s(?:es|son)\b|\s?:))"
_GERMAN = r"(?:\s(?:ist|lautet|beträgt)\b|\s?:)"
# Each alternative begins with a literal: the search for them is fast then.
_PHRASE = re.compile(
    rf"(?:answer{_ENGLISH}|Answer{_ENGLISH}|ANSWER{_ENGLISH}"
    r"|####(?!#)(?=[^\n]{1,100}+\s*+\Z)"
    rf"|réponse{_FRENCH}|Réponse{_FRENCH}|respuesta{_SPANISH}|Respuesta{_SPANISH}"
    rf"|Antwort{_GERMAN}|Ergebnis{_GERMAN}"
    r"|Ответ\s?:|答案\s*+[是为為:：]|答\s*+[:：]|答えは"
    r")[\s*_:：\"'“>]*+(?=\S)"
)
_HEADING = re.compile(r"[A-Z][a-z]+ ?\d++[.:]|[A-Z][a-z]+:")
# What is said about an answer, and a box that is cut off.
_COMMENT = re.compile(
    r"(?:\\*+(?:boxed|fbox)|(?:in|indeed|correct|right|wrong|incorrect|verified|valid|consistent"
    r"|reasonable|confirmed|the same|not|as follows|obtained|found|based|already)\b)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"\s*+(?:is|are|equals|=)\s++")


def last_statement(text: str, start: int, end: int) -> Span | None:
    """What follows the last phrase after which something stands that can be an answer."""
    phrases = deque(_PHRASE.finditer(text, start, end), maxlen=_MAX_PHRASES)
    for phrase in reversed(phrases):
        if answer := read_statement(text, phrase.end(), end):
            return answer
    return None


def read_statement(text: str, start: int, end: int) -> Span | None:
    """The answer that text[start:end] begins with: a formula, a value in a sentence, or words."""
    end = min(end, start + MAX_SENTENCE)
    while formulas := read_formulas(text, start, end):
        subject = _SUBJECT.match(text, formulas[1], end)
        if subject is None:
            return formulas
        start = subject.end()
    start, end = first_sentence(text, start, end)
    if start == end or _COMMENT.match(text, start, end) or _HEADING.match(text, start, end):
        return None
    before_emphasis = trimmed(text, start, max(start, text.find("**", start, end)))
    if before_emphasis[0] < before_emphasis[1] and not is_prose(text, *before_emphasis):
        return before_emphasis
    return read_value(text, start, end) if is_prose(text, start, end) else (start, end)
