"""How Qwen2.5-Math finds an answer in a completion and cleans it; see `qwen_math`."""

import re
from functools import cache

from evalkit.maths.profiles.spelling import slash_as_fraction, with_braced_fractions
from evalkit.maths.vocabulary import UNITS

# The source has a longer list of words, from MathQA; these are the units among them and their like.
_COUNTED = (
    "unit",
    "people",
    "men",
    "women",
    "coin",
    "apple",
    "tile",
    "toy",
    "square",
    "cubic",
    "percent",
)
_UNITS = "|".join(
    sorted(
        {*(name for name in UNITS if len(name) > 1 and name != "in"), *_COUNTED},
        key=len,
        reverse=True,
    )
)

_SPELLINGS = (
    ("bmatrix", "pmatrix"),
    ("tfrac", "frac"),
    ("dfrac", "frac"),
    ("\\neq", "\\ne"),
    ("\\leq", "\\le"),
    ("\\geq", "\\ge"),
    ("\\left", ""),
    ("\\right", ""),
    ("\\{", "{"),
    ("\\}", "}"),
)
_MARKS = ("^{\\circ}", "^\\circ", "\\$", "$", "\\(", "\\)")
_PREFIXES = ("x=", "y=", "z=", "x\\in", "y\\in", "z\\in", "x\\to", "y\\to", "z\\to")
_PHRASES = ("he answer is", "final answer is")
_MAX_LENGTH = 4000
_NUMBER = re.compile(r"-?(?:\d*+\.)?\d++")

_SMALL_TEXT = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen"""
_SMALL = _SMALL_TEXT.split()
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * value for value, word in enumerate(_TENS, 2)},
}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}


def find_answer(text: str) -> str:
    """The cleaned answer of a completion; empty where there is not even a number.

    What is longer than any gold stays as it is.
    """
    found = re.sub(r"\n\s*+", "", _find(text)).removeprefix(":")
    found = found.removesuffix(".").removesuffix("/")
    return cleaned(cleaned(found)) if len(found) <= _MAX_LENGTH else found


def _find(text: str) -> str:
    if "final answer is $" in text and "$. I hope" in text:
        return text.partition("final answer is $")[2].partition("$. I hope")[0].strip()
    if "boxed" in text:
        return _boxed(text.rpartition("boxed")[2])
    for phrase in _PHRASES:
        if phrase in text:
            return text.rpartition(phrase)[2].strip()
    if "答案是" in text:
        return text.split("答案是")[1].strip().partition("\n\n")[0].strip()
    numbers = _NUMBER.findall(text.replace(",", ""))
    return numbers[-1] if numbers else ""


def _boxed(rest: str) -> str:
    """The group that `rest` begins with, also without its end; else up to the next dollar sign."""
    if not rest.startswith("{"):
        return rest.partition("$")[0].strip()
    depth = 0
    for end, char in enumerate(rest):
        depth += (char == "{") - (char == "}")
        if depth == 0:
            return rest[1:end]
    return rest[1:]


def cleaned(text: str) -> str:
    """What the source calls `strip_string`: one spelling for many, which also damages some."""
    text = text.strip().replace("\n", "").rstrip(".").replace("\\!", "")
    text = re.sub(r"\\begin\{array\}\{[^{}]*+\}", r"\\begin{pmatrix}", text)
    text = text.replace("\\end{array}", "\\end{pmatrix}")
    for source, target in _SPELLINGS:
        text = text.replace(source, target)
    text = _without_units(_without_last_text(text))
    for mark in _MARKS:
        text = text.replace(mark, "")
    text = re.sub(r"\\text\{([^}]*+)\}", r"\1", _number_in_words(text))
    for prefix in _PREFIXES:
        text = text.replace(prefix, "")
    text = text.replace("\\emptyset", "{}").replace("(-\\infty,\\infty)", "\\mathbb{R}")
    text = text.replace("\\%", "").replace("%", "").replace(" .", " 0.").replace("{.", "{0.")
    text = text.replace("infinity", "\\infty")
    if "\\infty" not in text:
        text = text.replace("inf", "\\infty")
    text = re.sub(r"\\mbox\{[^}]*+\}", "", text.replace("and", "").replace("\\mathbf", ""))
    return _with_plain_signs(text)


def _with_plain_signs(text: str) -> str:
    if "j" in text and "i" not in text:
        text = text.replace("j", "i")
    text = re.sub(r"(?<=\d)\.0*+(?!\d)", "", text)
    if text.startswith("."):
        text = f"0{text}"
    if text.count("=") == 1 and text.index("=") <= 2:
        text = text.partition("=")[2]
    text = re.sub(r"\\sqrt(\w++)", r"\\sqrt{\1}", text).replace(" ", "")
    return slash_as_fraction(with_braced_fractions(text), with_roots=True)


def _without_last_text(text: str) -> str:
    r"""Cut at the first `\text{`, where something stands before it and a brace at the end."""
    head = text.partition("\\text{")[0].strip() if text.endswith("}") else ""
    return head or text


def _without_units(text: str) -> str:
    for _ in range(2):
        for unit, pattern in _unit_patterns():
            if unit in text:
                text = pattern.sub(r"\1\2", text) or text
    return text


@cache
def _unit_patterns() -> list[tuple[str, re.Pattern[str]]]:
    units = _UNITS.split("|")
    return [
        (unit, re.compile(rf"(^|\W){unit}($|\W)"))
        for unit in (*units, *(f"{one}s" for one in units))
    ]


def _number_in_words(text: str) -> str:
    """`forty-two` as `42`: words that are no numbers are passed over; without any, the text itself."""
    if text.isdecimal():
        return text.lstrip("0") or "0"
    words = [one for one in text.lower().replace("-", " ").split() if one in {**_WORDS, **_SCALES}]
    total = group = 0
    for word in words:
        if word == "hundred":
            group *= 100
        elif word in _SCALES:
            total, group = total + group * _SCALES[word], 0
        else:
            group += _WORDS[word]
    return str(total + group) if words else text
