r"""What a sentence gives as its value: "so there are **33** eggs" gives 33. No comparison.

All functions look at one sentence at most, of a limited length.
"""

import re

from evalkit.maths.spans import Span, trimmed

MAX_SENTENCE = 2_000

FORMULA = (
    r"\$\$(?:[^$\\]|\\.)++\$\$"
    r"|\$(?!\?|\s[^\W\d_]{2,}\s)(?:[^$\\\n]|\\.)++\$"
    r"|\\\((?:[^\\]|\\[^)])++\\\)"
    r"|\\\[(?:[^\\]|\\[^\]])++\\\]"
)
_NUMBER = (
    r"(?:(?<![\w)}\]])-)?+\\[dt]?frac\{[^{}]*+\}\{[^{}]*+\}"
    r"|(?:(?<![-+*/^]\s)(?<![-+*/^\w])[A-Za-z]\s?=\s?)?+(?:(?<![\w)}\]])-)?+(?<![A-Za-z\d_.^{])(?:\d[\d,]*+(?:\.\d++)?+|\.\d++)"
    r"(?:\s?/\s?\d++)?+(?:\s?\\?%)?+"
)
_VALUE = re.compile(rf"\*\*(?P<bold>[^*\n]++)\*\*|(?P<formula>{FORMULA})|{_NUMBER}", re.DOTALL)
_JOINED = re.compile(r"\s*+(?:,|;|(?:,\s*+)?(?:and|or|et|ou|und|oder)\b|和|或)\s*+")
_ASSIGNMENT = re.compile(r"[\s$\\(\[]*+[A-Za-z](?:_\w|_\{\w{1,4}+\})?+\s*+=")
_FORMULA = re.compile(FORMULA, re.DOTALL)
_UNIT = re.compile(r"\s*+(?:\\?%|percent\b|degrees?\b|°)")

# Neither a factorial nor the thin space `\!` ends a sentence.
_BOUNDARY = re.compile(
    r"(?<=\?)\s+|(?<=[^\\]!)\s+(?=[A-Z][a-z])|(?:(?<=\.)|(?<=\.\*\*))\s+(?=[A-Z\\$*\"(])"
    r"|(?<=[。！？])\s*+(?=\S)|\n"
)
_VERB = re.compile(r"\s(?:is|are|equals|be|was|were|has|have|had|est|sont|ist|sind)\s++[$€£]?\Z")
_NOT = re.compile(r"\bnot\s++\Z")
_REASON = re.compile(r"[\s,](?:because|since|and not)\s|,\s(?:as|which|where|with)\s")
_WORD = re.compile(r"(?<!\S)[^\W\d_](?:[^\W\d_]|['’])++(?=[\s.,;:!?]|\Z)")
# Scripts that are written without spaces.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_MAX_UNSPACED = 3
_SENTENCE_WORDS = re.compile(
    r"\b(?:is|are|was|were|be|we|we're|you|it|there|thus|so|therefore|hence|because|since|which"
    r"|that|this|find|get|have|has|can|will)\b",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(r"\s*+(?:thus|so|therefore|hence|then)\b", re.IGNORECASE)
_MAX_WORDS = 6
_FAREWELL = re.compile(r"I hope (?:it|this|that)|Hope (?:it|this|that)|Let me know")
_REFUSAL = re.compile(
    r"\b(?:cannot|can't|could not|couldn't|impossible|unable|insufficient|not possible"
    r"|not enough|no way to|does not|doesn't|do not|none of)\b",
    re.IGNORECASE,
)


def has_value(text: str, start: int, end: int) -> bool:
    return _VALUE.search(text, start, end) is not None


def first_sentence(text: str, start: int, end: int) -> Span:
    """From `start` to the end of the sentence or of the line, without a farewell and reasons."""
    end = min(end, start + MAX_SENTENCE)
    if farewell := _FAREWELL.search(text, start, end):
        end = farewell.start()
    if boundary := _BOUNDARY.search(text, start, end):
        end = boundary.start()
    return trimmed(text, start, _without_reason(text, start, end))


def last_sentence(text: str, start: int, end: int) -> Span:
    """The last sentence of text[start:end] that is no farewell."""
    start = max(start, end - MAX_SENTENCE)
    for farewell in _FAREWELL.finditer(text, start, end):
        end = farewell.start()
        break
    end = start + len(text[start:end].rstrip())
    for boundary in _BOUNDARY.finditer(text, start, end):
        start = boundary.end()
    return start, end


def is_prose(text: str, start: int, end: int) -> bool:
    """Whether the words there form sentences, and are not a name, a unit or a formula."""
    if _BOUNDARY.search(text, start, end):
        return True
    outside = _FORMULA.sub(" ", text[start:end])
    num_words = len(_WORD.findall(outside))
    if num_words > _MAX_WORDS or len(_UNSPACED.findall(outside)) > _MAX_UNSPACED:
        return True
    if _CONNECTIVE.match(outside):
        return True
    return num_words > 1 and _SENTENCE_WORDS.search(outside) is not None


def read_value(text: str, start: int, end: int) -> Span | None:
    """The value that the sentence text[start:end] states.

    Of bold values the last; else the last that follows a verb as in "there are 33"; else the last.
    """
    if _REFUSAL.search(text, start, end) or text[start:end].rstrip().endswith("?"):
        return None
    end = _without_reason(text, start, end)
    values = [value for value in _VALUE.finditer(text, start, end) if not _is_negated(value)]
    bold = [value for value in values if value["bold"] and has_value(text, *value.span("bold"))]
    if bold:
        return trimmed(text, *bold[-1].span("bold"))
    spans = [value.span() for value in values if not value["bold"]]
    after_verb = [i for i, span in enumerate(spans) if _follows_verb(text, start, span[0])]
    if not spans:
        return None
    if after_verb and "=" not in text[slice(*spans[-1])]:
        return _run(text, spans, after_verb[-1])
    return _run(text, spans, len(spans) - 1)


def _without_reason(text: str, start: int, end: int) -> int:
    """The end of text[start:end], or of its first part where a reason follows a value."""
    reason = _REASON.search(text, start, end)
    if reason and has_value(text, start, reason.start()):
        return reason.start()
    return end


def _is_negated(value: re.Match[str]) -> bool:
    return _NOT.search(value.string, max(0, value.start() - 8), value.start()) is not None


def _follows_verb(text: str, start: int, value: int) -> bool:
    return _VERB.search(text, max(start, value - 12), value) is not None


def _run(text: str, values: list[Span], index: int) -> Span:
    """The value at `index` with all that a comma or "or" joins to it."""
    first = last = index
    while first > 0 and _are_joined(text, values[first - 1], values[first]):
        first -= 1
    while last + 1 < len(values) and _are_joined(text, values[last], values[last + 1]):
        last += 1
    return trimmed(text, values[first][0], values[last][1])


def _are_joined(text: str, one: Span, other: Span) -> bool:
    """`x = 2` and `y = 3` can be, but not the step `3x = 6` and its result `x = 2`."""
    is_step = "=" in text[slice(*one)] and not _ASSIGNMENT.match(text, *one)
    return not is_step and _JOINED.fullmatch(text, one[1], other[0]) is not None


def read_formulas(text: str, start: int, end: int) -> Span | None:
    """The formula that begins at `start`, with a unit, or with formulas that are joined to it."""
    formula = _FORMULA.match(text, start, end)
    if formula is None:
        return None
    stop = formula.end()
    while (joined := _JOINED.match(text, stop, end)) and (
        formula := _FORMULA.match(text, joined.end(), end)
    ):
        stop = formula.end()
    if unit := _UNIT.match(text, stop, end):
        stop = unit.end()
    return start, stop
