"""The two spellings in which Archer2.0 compares answers; see `archer2`.

`mathd_form` is what the source calls `mathd_normalize_answer` (after the MATH benchmark), and
`plain_form` is its `_normalize` (after PRM800K).
"""

import re

from evalkit.maths.profiles.latex_text import latex_to_text
from evalkit.maths.profiles.spelling import slash_as_fraction, with_braced_fractions

_ENCLOSED_TEXT = re.compile(r"\\text\{(.+)\}")
_UNITS_TEXT = """degree cm centimeter meter mile second minute hour day week month year foot feet inch
    yard"""
_UNITS = _UNITS_TEXT.split()
_UNIT_PATTERNS = [re.compile(rf"{unit}(?:es)?+s?+ *+(?:\^[0-9]++)?+") for unit in _UNITS]
_LARGE = {"million": "*10^6", "billion": "*10^9", "trillion": "*10^12"}


def mathd_form(answer: str) -> str:
    """Where a step cannot be carried out, the answer stays as it came, as in the source."""
    answer = _without_enclosing_text(answer.strip()).strip()
    text = answer.replace("\n", "").replace("\\!", "").replace("\\\\", "\\")
    text = text.replace("tfrac", "frac").replace("dfrac", "frac")
    for one in ("\\left", "\\right", "^{\\circ}", "^\\circ", "\\$"):
        text = text.replace(one, "")
    if text.count("\\text{ ") > 1:
        return answer
    text = text.partition("\\text{ ")[0].replace("\\%", "")
    text = text.replace(" .", " 0.").replace("{.", "{0.")
    if text.startswith("."):
        text = f"0{text}"
    if text.count("=") == 1 and text.index("=") <= 2:
        text = text.partition("=")[2]
    if "" in text.split("\\sqrt")[1:]:
        return answer
    text = re.sub(r"\\sqrt([^{])", r"\\sqrt{\1}", text).replace(" ", "")
    if "" in text.split("\\frac")[1:]:
        return answer
    text = with_braced_fractions(text)
    return slash_as_fraction("\\frac{1}{2}" if text == "0.5" else text)


def plain_form(answer: str) -> str:
    text = _without_enclosing_text(answer)
    for one in ("\\%", "\\$", "$", "%"):
        text = text.replace(one, "")
    text = text.replace(" or ", " , ").replace(" and ", " , ")
    for word, power in _LARGE.items():
        text = text.replace(word, power)
    for pattern in _UNIT_PATTERNS:
        text = pattern.sub("", text)
    text = re.sub(r"\^ *+\\circ", "", text)
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    text = _whole_number(re.sub(r",\\! *+", "", text))
    if "\\" in text:
        text = _latex_as_text(text)
    text = re.sub(r"- *+", "-", text)
    text = re.sub("([0-9]) ++([0-9])", r"\1+\2", text)
    text = text.replace(" ", "").replace("{", "").replace("}", "").lower()
    return str(int(float(text.replace(",", "")))) if is_integer(text) else text


def is_integer(text: str) -> bool:
    return _is_whole(without_thousands(text))


def without_thousands(text: str) -> str:
    while (shorter := re.sub(r"(\d),(\d\d\d)($|\D)", r"\1\2\3", text)) != text:
        text = shorter
    return text


def _latex_as_text(latex: str) -> str:
    """LaTeX that is nested too deeply stays as it is, as in the source."""
    text = latex.replace("\\tfrac", "\\frac").replace("\\dfrac", "\\frac")
    try:
        text = latex_to_text(text.replace("\\frac", " \\frac"))
    except RecursionError:
        return latex
    for sign, name in (
        ("√", "sqrt"),
        ("π", "pi"),
        ("∞", "inf"),
        ("∪", "U"),
        ("·", "*"),
        ("×", "*"),
    ):
        text = text.replace(sign, name)
    return text.strip()


def _without_enclosing_text(text: str) -> str:
    found = _ENCLOSED_TEXT.fullmatch(text)
    return found[1] if found else text


def _whole_number(text: str) -> str:
    return str(round(float(text))) if _is_whole(text) else text


def _is_whole(text: str) -> bool:
    try:
        return abs(float(text) - round(float(text))) <= 1e-7
    except (ValueError, OverflowError):
        return False
