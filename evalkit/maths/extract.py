r"""Finds the answer of a completion, and the answer that a gold text states. Pure string code.

Where an answer may stand:

1. After the last `</think>`. A completion that ends while thinking has none (`unclosed thinking`),
   unless the caller chose to look into it; the flag is `unclosed thinking` then.
2. Before a turn that the model invented: a chat token, a line `Human:`, or, after an answer, a line
   `Question:` or `Problem:`.
3. Inside the last `<answer>...</answer>` or `[ANSWER]...[/ANSWER]` where there is one.

The rules, in this order; the first that finds something decides:

1. `enumerated`: more than MAX_DISTINCT_BOXES different boxes are guesses: no answer.
2. `boxed`: the last box that is not empty, or `boxes`: the last ones, where only commas, "and" and
   the like stand between them. An answer that is cut off inside its box is none.
3. `restated`: a phrase after the box ("the final answer is 5") that says something else.
4. `answer phrase`: what follows the last "answer is", "Answer:", "####" and the like.
5. `answer tag`: what stands in the tag.
6. `whole text`: a short text that is no sentence.
7. `last formula`, `last sentence`: what the end of the text states, where the text has ended: it is
   not cut off and not in a loop.
8. `none`.

A choice is then read as its letter (`choice`) where the caller wants one. An answer that offers
alternatives ("1 or 2") is returned as it is written, with the flag `hedged`.
"""

import re
from dataclasses import replace

from evalkit.maths.boxes import find_boxes, last_boxes
from evalkit.maths.choices import last_letter, read_letter
from evalkit.maths.endings import read_ending
from evalkit.maths.phrases import last_statement, read_statement
from evalkit.maths.restatements import bare, contradicts
from evalkit.maths.spans import Span, trimmed
from evalkit.maths.turns import after_thinking, end_of_turn, tagged_answer
from evalkit.maths.types import Extraction

MAX_DISTINCT_BOXES = 8

_ALTERNATIVES = re.compile(r"\bor\b|\bou\b|\boder\b|或")


def extract(
    text: str,
    *,
    thinking_opened: bool = False,
    look_into_unclosed_thinking: bool = False,
    wants_choice: bool = False,
) -> Extraction:
    """The answer of a completion.

    `thinking_opened`: the prompt ended inside `<think>`. `wants_choice`: the gold is the letter of
    an option.
    """
    answer_part = after_thinking(text, thinking_opened=thinking_opened)
    if answer_part is None and not look_into_unclosed_thinking:
        return Extraction(None, "unclosed thinking")
    start = answer_part or 0
    end = end_of_turn(text, start, _holds_answer)
    found = _in_region(text, start, end)
    if wants_choice:
        found = _choice(text, start, end, found)
    return replace(found, flag="unclosed thinking") if answer_part is None else found


def read_gold(gold: str) -> str:
    """The answer that a gold text states; a text without a box, a phrase or dollars is itself."""
    start, end = trimmed(gold, 0, len(gold))
    if boxes := last_boxes(gold, start, end):
        return _join(gold, boxes)
    if statement := last_statement(gold, start, end):
        start, end = statement
    return _without_delimiters(gold[start:end])


def _in_region(text: str, start: int, end: int) -> Extraction:
    tag = tagged_answer(text, start, end)
    if tag:
        start, end = tag
    if found := _boxed(text, start, end):
        return found
    if statement := last_statement(text, start, end):
        return _found(text, [statement], "answer phrase")
    if tag:
        return _found(text, [read_statement(text, *tag) or tag], "answer tag")
    if ending := read_ending(text, start, end):
        return _found(text, [ending[1]], ending[0])
    return Extraction(None, "none")


def _boxed(text: str, start: int, end: int) -> Extraction | None:
    boxes = last_boxes(text, start, end)
    if not boxes:
        return None
    if text.count("box", start, end) > MAX_DISTINCT_BOXES:
        others = _contents(text, find_boxes(text, start, end)) - _contents(text, boxes)
        if len(others) >= MAX_DISTINCT_BOXES:
            return Extraction(None, "enumerated", flag="enumerated")
    restated = last_statement(text, boxes[-1][1], end)
    if restated and contradicts(text, restated, boxes, end):
        return _found(text, [restated], "restated")
    return _found(text, boxes, "boxes" if len(boxes) > 1 else "boxed")


def _contents(text: str, boxes: list[Span]) -> set[str]:
    return {bare(text[slice(*box)]) for box in boxes}


def _choice(text: str, start: int, end: int, found: Extraction) -> Extraction:
    letter = None
    if found.answer is not None:
        letter = read_letter(text, found.start, found.end)
    if letter is None and found.rule not in ("boxed", "enumerated"):
        letter = last_letter(text, start, end)
    return _found(text, [letter], "choice") if letter else found


def _found(text: str, spans: list[Span], rule: str) -> Extraction:
    answer = _join(text, spans)
    flag = "hedged" if _ALTERNATIVES.search(answer) else ""
    return Extraction(answer, rule, spans[0][0], spans[-1][1], flag)


def _join(text: str, spans: list[Span]) -> str:
    return ", ".join(dict.fromkeys(text[slice(*span)] for span in spans))


def _without_delimiters(answer: str) -> str:
    r"""`5` for `$5$`, `$$5$$`, `\(5\)` and `\[5\]`, where they hold all of the answer."""
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if len(answer) > 2 * len(opening) and answer.startswith(opening):
            inner = answer[len(opening) : -len(closing)]
            if answer.endswith(closing) and opening not in inner and closing not in inner:
                return inner.strip()
    return answer


def _holds_answer(text: str, start: int, end: int) -> bool:
    return bool(last_boxes(text, start, end) or last_statement(text, start, end))
