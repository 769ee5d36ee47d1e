"""Finds the program in a completion: plain string code, linear in the length of the text.

Rules, named by the task or the protocol:

`last-block`  The official one (LiveCodeBench@28fef95, extraction_utils.py): what lies between the
              last two lines that hold three backticks, wherever in the line; fewer than two are
              no program. The fences need not be a pair, and thinking that has ended is not cut off.
`archer`      Archer2.0's (wizard-III/LiveCodeBench@2af70bc): of the text after the first
              `</think>`, as far as the second, the last block that a line ending in "```python"
              opens and the next three backticks close.

A completion that ends inside `<think>` holds no program, unless the caller chose to look into it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evalkit.types import Sample, Thinking, unknown

_FENCE = "```"
_OPENING = "```python\n"
_END_OF_THINKING = "</think>"


@dataclass(frozen=True, slots=True)
class FoundProgram:
    """`code` is `text[start:end]`; None where there is none. `rule` names what decided."""

    code: str | None
    rule: str
    start: int = 0
    end: int = 0


def find_program(
    sample: Sample, extraction: str, *, look_into_unclosed_thinking: bool = False
) -> FoundProgram:
    if sample.thinking is Thinking.UNCLOSED and not look_into_unclosed_thinking:
        return FoundProgram(None, "unclosed thinking")
    return extract_program(sample.text, extraction)


def extract_program(text: str, extraction: str) -> FoundProgram:
    """A block of nothing but white space is no program. Raises UsageError for an unknown rule."""
    if extraction not in EXTRACTIONS:
        raise unknown("extraction", extraction, list(EXTRACTIONS))
    span = EXTRACTIONS[extraction](text)
    if span is None:
        return FoundProgram(None, f"{extraction}: no block")
    code = text[slice(*span)]
    if not code.strip():
        return FoundProgram(None, f"{extraction}: empty block", *span)
    return FoundProgram(code, extraction, *span)


def _last_block(text: str) -> tuple[int, int] | None:
    last = text.rfind(_FENCE)
    closing_line = text.rfind("\n", 0, max(last, 0)) + 1
    before = text.rfind(_FENCE, 0, max(closing_line - 1, 0))
    if last < 0 or before < 0:
        return None
    start = text.index("\n", before) + 1
    return (start, max(start, closing_line - 1))


def _archer(text: str) -> tuple[int, int] | None:
    position, end = _after_thinking(text)
    found = None
    while (opening := text.find(_OPENING, position, end)) >= 0:
        start = opening + len(_OPENING)
        closing = text.find(_FENCE, start, end)
        if closing < 0:
            break
        found = (start, closing)
        position = closing + len(_FENCE)
    return found


def _after_thinking(text: str) -> tuple[int, int]:
    """From the first end of thinking to the second; all of a text without one."""
    first = text.find(_END_OF_THINKING)
    if first < 0:
        return (0, len(text))
    start = first + len(_END_OF_THINKING)
    second = text.find(_END_OF_THINKING, start)
    return (start, len(text) if second < 0 else second)


EXTRACTIONS: Mapping[str, Callable[[str], tuple[int, int] | None]] = {
    "last-block": _last_block,
    "archer": _archer,
}
