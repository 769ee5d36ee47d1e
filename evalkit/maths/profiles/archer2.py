"""The mathematics reward of Archer2.0 as published, so that its numbers can be reproduced.

Source: wizard-III/Archer2.0@b08d963, `RewardMathFn` in rewards/general_reward.py with
rewards/math_utils/utils.py. Reproduced: the cut at `</think>`, the last box, the comparison of the
two normal forms, and SymPy's on the second. Of Math-Verify only the comparison of strings counts:
the loop that calls `verify` builds its result without `return`, so that its verdict is lost; here
it is not computed.

Not reproduced: the five-second limit on `parse`, and that one exception sets all scores of a batch
to 0. Before SymPy and `parse` stands a guard, which the source lacks; what it refuses is different.
LaTeX is turned into text by `latex_text` in place of pylatexenc.
"""

import re

from evalkit.maths.profiles.archer2_text import (
    is_integer,
    mathd_form,
    plain_form,
    without_thousands,
)
from evalkit.maths.profiles.guard import RefusedError, check_depth, failures, read_plain

_BRACKETS = "()[]"
_FRACTION = re.compile(r"-?[0-9]+.?/0*[1-9][0-9]*.?")
_NEVER_EVALUATED = re.compile(r"\^[{(]|\^[0-9]+\^|\^[0-9][0-9]+")


def grade(gold: str, text: str) -> tuple[bool, str | None]:
    """The verdict, and the content of the last box or else what Math-Verify found."""
    solution = text.split("</think>")[1] if "</think>" in text else text
    answer = _last_box(solution)
    truth = _last_box(gold) if "\\boxed" in gold else gold
    if truth is None:
        return False, answer
    if answer is not None and _are_equal(answer, truth):
        return True, answer
    parsed = _second_candidate(solution)
    return parsed == gold, parsed if answer is None else answer


def _second_candidate(solution: str) -> str | None:
    """None also for nesting so deep that the source would not parse it within its limit."""
    from math_verify import parse

    try:
        check_depth(solution)
    except RefusedError:
        return None
    parsed = parse(solution, parsing_timeout=None)
    return parsed[1] if len(parsed) >= 2 and isinstance(parsed[1], str) else None


def _last_box(text: str) -> str | None:
    r"""None where there is no `\boxed`, or where the last one does not begin and end with a brace."""
    start = text.rfind("\\boxed")
    depth = 0
    for end in range(start, len(text)) if start >= 0 else ():
        depth += (text[end] == "{") - (text[end] == "}")
        if text[end] == "}" and depth == 0:
            box = text[start : end + 1]
            return box[len("\\boxed{") : -1] if box.startswith("\\boxed{") else None
    return None


def _are_equal(answer: str, gold: str) -> bool:
    if mathd_form(answer) == mathd_form(gold):
        return True
    answer, gold = plain_form(answer), plain_form(gold)
    if answer == gold:
        return True
    answers, golds = _elements(answer), _elements(gold)
    if not answer or len(answers) != len(golds):
        return False
    if len(golds) > 1 and (gold[0], gold[-1]) != (answer[0], answer[-1]):
        return False
    return all(map(_is_equal_element, answers, golds))


def _elements(text: str) -> list[str]:
    """The elements of a tuple or interval without brackets inside; the text itself otherwise."""
    text = without_thousands(text)
    inner = text[1:-1]
    is_tuple = len(text) > 2 and text[0] in _BRACKETS and text[-1] in _BRACKETS
    if is_tuple and not any(one in inner for one in _BRACKETS):
        return [one.strip() for one in inner.split(",")]
    return [text] if text else []


def _is_equal_element(answer: str, gold: str) -> bool:
    """Fractions of integers and integers have to be spelled alike, as in the source."""
    if _FRACTION.fullmatch(answer) and _FRACTION.fullmatch(gold):
        return answer == gold
    if is_integer(answer) != is_integer(gold):
        return False
    difference = f"({gold})-({answer})"
    letters = {one for one in difference.replace("sqrt", "").replace("frac", "") if one.isalpha()}
    if len(letters) > 2 or _NEVER_EVALUATED.search(difference):
        return False
    return _is_zero(difference.replace("^", "**"))


def _is_zero(difference: str) -> bool:
    from sympy import simplify  # type: ignore[import-untyped]

    try:
        return bool(simplify(read_plain(difference, is_implicit=True)) == 0)
    except failures():  # as in the source: what cannot be computed is different
        return False
