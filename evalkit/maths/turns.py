"""Where in a completion its answer may stand: after the thinking, before an invented next turn."""

import re
from collections.abc import Callable

from evalkit.maths.spans import Span, trimmed

_CHAT_TOKEN = re.compile(
    r"<\|(?:im_end|endoftext|end_of_text|eot_id)\|>|<\|im_start\|>(?=\s*+(?:user|system|\Z))|</s>"
)
# Base models go on with another question at the start of a line.
_TURN = re.compile(
    r"\n[ \t#*>]*+(?:(?P<role>Human|User|Instruction)|Question|Problem|Exercise|Q)"
    r"(?:[ \t]*+\d++)?+[ \t*]*+(?:[:.]|\n)"
)

_ANSWER_TAGS = (("<answer>", "</answer>"), ("[ANSWER]", "[/ANSWER]"))


def after_thinking(text: str, *, thinking_opened: bool) -> int | None:
    """Where the answer part starts; None where the completion ends while thinking.

    `thinking_opened`: the prompt ended inside `<think>`.
    """
    if "<" not in text and not thinking_opened:
        return 0
    close = text.rfind("</think>")
    if text.rfind("<think>") > close or (thinking_opened and close < 0):
        return None
    return close + len("</think>") if close >= 0 else 0


def end_of_turn(text: str, start: int, holds_answer: Callable[[str, int, int], bool]) -> int:
    """Where the model's own turn ends.

    A line that begins another question ends it only after an answer, because solutions also begin
    by repeating their question; a line that gives the word to a user always ends it.
    """
    end = len(text)
    if "<" in text:
        end = next((m.start() for m in _CHAT_TOKEN.finditer(text, start) if m.start() > start), end)
    previous = start
    for turn in _TURN.finditer(text, start, end):
        if turn["role"] or holds_answer(text, previous, turn.start()):
            return turn.start()
        previous = turn.start()
    return end


def tagged_answer(text: str, start: int, end: int) -> Span | None:
    """What stands in the last complete `<answer>...</answer>` or `[ANSWER]...[/ANSWER]`."""
    for opening, closing in _ANSWER_TAGS:
        tag_end = text.rfind(closing, start, end)
        tag_start = text.rfind(opening, start, tag_end) if tag_end >= 0 else -1
        if tag_start >= 0:
            content = trimmed(text, tag_start + len(opening), tag_end)
            if content[0] < content[1]:
                return content
    return None
