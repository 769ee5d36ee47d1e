"""The semantics of Qwen2.5-Math's evaluation, with which many published numbers were made.

Source: QwenLM/Qwen2.5-Math@a45202b, `extract_answer` and `strip_string` in evaluation/parser.py and
`math_equal` in evaluation/grader.py. Reproduced: the order of extraction, down to the last number of
a completion; cleaning; letters A to E; numbers to 1 in 10,000, also a hundred times or a hundredth;
tuples and matrices by element; equations; SymPy at last.

Not reproduced: what the source does for the data sets that it knows by name (units stay in
Minerva's answers there); `{a,b}` made into a matrix; its limits on time (the pool has one); a few
odd entries of its list of units. LaTeX is read by Math-Verify's reader behind a guard, in place of
three parsers without one; what the guard refuses is compared as text.
"""

import re
from itertools import chain

from evalkit.maths.profiles.qwen_symbols import are_close, are_symbolically_equal
from evalkit.maths.profiles.qwen_text import cleaned, find_answer

_LETTER = re.compile(r"\b[A-E]\b")
_MATRIX = ("\\begin{pmatrix}", "\\end{pmatrix}")
_MAX_DEPTH = 8


def grade(gold: str, text: str) -> tuple[bool, str | None]:
    """The verdict and the cleaned answer; None where the completion has not even a number."""
    answer, truth = find_answer(text), cleaned(gold.strip("$"))
    return are_equal(answer, truth), answer or None


def are_equal(answer: str, gold: str, depth: int = 0) -> bool:
    """Of cleaned texts. `depth` counts the elements inside elements, which end somewhere."""
    if answer.strip().lower() == gold.strip().lower() or _is_letter(answer, gold):
        return True
    numbers = _number(answer), _number(gold)
    if numbers[0] is not None and numbers[1] is not None:
        return any(are_close(numbers[0], numbers[1] * factor) for factor in (0.01, 1, 100))
    if not answer or depth > _MAX_DEPTH:
        return False
    answer, gold = answer.strip(), gold.strip()
    return (
        _is_same_but_brackets(answer, gold)
        or _have_equal_elements(_tuple(answer), _tuple(gold), depth)
        or _have_equal_elements(_matrix(answer), _matrix(gold), depth)
        or _is_equal_equation(answer, gold, depth)
        or are_symbolically_equal(answer, gold)
    )


def _is_letter(answer: str, gold: str) -> bool:
    found = _LETTER.findall(answer.upper())
    return len(gold) == 1 and gold in "ABCDE" and bool(found) and found[-1] == gold


def _number(text: str) -> float | None:
    text = text.replace(",", "")
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(text[:-1].removesuffix("\\")) / 100 if text.endswith("%") else None
    except ValueError:
        return None


def _is_same_but_brackets(answer: str, gold: str) -> bool:
    is_list = answer.startswith("[") and answer.endswith("]") and not gold.startswith("(")
    is_tuple = answer.startswith("(") and answer.endswith(")") and not gold.startswith("[")
    if is_list or is_tuple:
        answer, gold = answer.strip("[]()"), gold.strip("[]()")
    without = str.maketrans("", "", "{}()")
    return answer.translate(without).lower() == gold.translate(without).lower()


def _tuple(text: str) -> list[list[str]]:
    """The elements between the outer brackets, whichever they are, as a single row."""
    is_bracketed = text[:1] in ("(", "[") and any(one in text[2:] for one in ")]")
    return [text[1:-1].split(",")] if is_bracketed else []


def _matrix(text: str) -> list[list[str]]:
    begin, end = _MATRIX
    if not (text.startswith(begin) and text.endswith(end)):
        return []
    rows = text[len(begin) : -len(end)].split("\\\\")
    return [row.strip().split("&") for row in rows if row.strip()]


def _have_equal_elements(answer: list[list[str]], gold: list[list[str]], depth: int) -> bool:
    if not answer or [len(row) for row in answer] != [len(row) for row in gold]:
        return False
    pairs = zip(chain.from_iterable(answer), chain.from_iterable(gold), strict=True)
    return all(are_equal(one, other, depth + 1) for one, other in pairs)


def _is_equal_equation(answer: str, gold: str, depth: int) -> bool:
    sides = answer.split("="), gold.split("=")
    if len(sides[0]) == len(sides[1]) == 2:
        one, other = (f"{left.strip()} - ({right.strip()})" for left, right in sides)
        return are_symbolically_equal(one, other) or are_symbolically_equal(f"-({one})", other)
    if _is_named(sides[0]) and len(sides[1]) == 1:
        return are_equal(sides[0][1], gold, depth + 1)
    if _is_named(sides[1]) and len(sides[0]) == 1:
        return are_equal(answer, sides[1][1], depth + 1)
    return False


def _is_named(sides: list[str]) -> bool:
    """Whether it is of the form `x = …`."""
    return len(sides) == 2 and len(sides[0].strip()) <= 2
