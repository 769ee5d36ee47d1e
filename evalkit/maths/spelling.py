"""One spelling for what LaTeX, Unicode and plain text write in many, before anything is parsed."""

import re
from functools import lru_cache

from evalkit.maths.characters import in_ascii
from evalkit.maths.remarks import without_remarks

_NUM_TEXTS = 1024

_SPACE = re.compile(r"\s")
_TEXT = r"\\(?:text|textrm|mathrm|mbox|rm)"
# What must stand in the text for the rule to matter, the pattern, and what replaces it. Four spaces
# are left by what separates, two by what switches to mathematics: one separates thousands.
_RULES = (
    ("{,}", r"\{,\}", ","),
    ("{:}", r"\{:\}", ":"),
    ("\\over", r"\{((?:[^{}\\]|\\(?!over\b))*+)\\over\b([^{}]*+)\}", r"\\frac{\1}{\2}"),
    ("\\choose", r"\{((?:[^{}\\]|\\(?!choose\b))*+)\\choose\b([^{}]*+)\}", r"\\binom{\1}{\2}"),
    ("_", rf"_ ?\{{? ?{_TEXT}\{{ ?(?:base )?(\d{{1,2}}) ?\}}\}}?", r"_{\1}"),
    ("base", rf"_ ?\{{ ?{_TEXT}\{{ ?base ?\}} ?(\d{{1,2}}) ?\}}", r"_{\1}"),
    ("base", rf"(?<=\w) ?{_TEXT}\{{ ?\(?base (\d{{1,2}})\)? ?\}}", r"_{\1}"),
    ("10", r"(?<=\d) ?[xX] ?(?=10 ?\^)", r"\\times "),
    (".", r"(?<![a-zA-Z])([apAP])\.? ?([mM])\.(?![a-zA-Z])", r"\1\2"),
    ("\\!", r",(?<!\\,)\\!\s*+", ","),
    ("\\!", r"(?<!\\)\\!", ""),
    ("\\$", r"(?<![\d.])\\\$\s?([\d.,]*\d)", r"\1\\text{ dollar}"),
    ("\\$", r"\\\$", "  "),
    ("$", r"\\?\$", "  "),
    ("\\", r"(?<!\\)\\[()\[\]]", "  "),
    ("\\", r"\\(?:left|right|middle|[bB]igg?[lrm]?)(?![a-zA-Z])\s*+\.?", ""),
    ("\\", r"\\(?:displaystyle|textstyle|limits|nolimits|phantom|hfill)(?![a-zA-Z])", ""),
    ("\\", r"(?<!\\)\\[,;:> ]|\\(?:thinspace|enspace|medspace)(?![a-zA-Z])", " "),
    ("~", r"~", " "),
    ("frac", r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
    ("binom", r"\\[dt]binom(?![a-zA-Z])", r"\\binom"),
    ("^", r"\^\s*+\{\s*+\\(?:circ|degree)\s*+\}|\^\s*+\\(?:circ|degree)\b", r"\\degree "),
    ("prime", r"\^\s*+(?:\{\s*+\\prime\s*+\}|\\prime\b)", "'"),
    (".", r"\\(?:np|math)\.(?=[a-z])|(?<![a-zA-Z\\])(?:np|math|numpy)\.(?=[a-z])", ""),
    (" ", r"(?<=\d)(?:\{ \}| ?\\ )(?=\d)", " "),
    ("[", r"\\\\\[-?[\d.]++ ?(?:pt|em|ex|mm|cm)\]", r"\\\\"),
    ("\\text{", r"^\\text\{([^{}]*\d[^{}]*)\}$", r"\1"),
    ("nswer", r"^(?:[tT]he )?(?:[fF]inal )?[aA]nswer(?: is)?[ :]++(?=\S)", ""),
    ("nswer", r"^\\text\{ ?(?:[tT]he )?(?:[fF]inal )?[aA]nswer(?: is)? ?:? ?\}", ""),
    ("mod", rf"\( ?(?:{_TEXT}\{{ ?mod ?\}}|\\?[bp]?mod(?![a-z])) ?([^()]*+)\)", r"\\pmod{\1}"),
    ("mod", r"\( ?\\text\{ ?mod (\d++) ?\} ?\)", r"\\pmod{\1}"),
    ("degree", rf"\\degree *+(?:{_TEXT}\{{ ?C ?\}}|C(?![a-zA-Z]))", r"\\text{ celsius}"),
    ("degree", rf"\\degree *+(?:{_TEXT}\{{ ?F ?\}}|F(?![a-zA-Z]))", r"\\text{ fahrenheit}"),
    ("dots", r"(?<=\d)\.(\d{0,30}?)(\d)\2\2++ ?\\l?dots", r".\1\\overline{\2}"),
    ("...", r"(?<=\d)\.(\d{0,30}?)(\d)\2\2++ ?\.\.\.", r".\1\\overline{\2}"),
    ("{", rf"(?<=\d)\^?\{{?{_TEXT}\{{(?:st|nd|rd|th)\}}\}}?", ""),
    ("", r"(?<=\d)\^?\{?(?:st|nd|rd|th)\}?(?![a-zA-Z])", ""),
)
_SPELLINGS = tuple((needle, re.compile(pattern), by) for needle, pattern, by in _RULES)
_CURRENCIES = str.maketrans("", "", "£€¥₹")
_ESCAPED_TWICE = re.compile(r"\\\\(?=[a-zA-Z{}])")  # but in a matrix it ends the row
_ENDS = " .,;:*"
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}+(?: \d{3}(?!\d))++")
_BASES = {
    **{"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8"},
    **{"nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "sixteen": "16"},
}
_BASE_IN_WORDS = re.compile(r"_ ?\{? ?\\text\{ ?(" + "|".join(_BASES) + r") ?\}\}?")
_MIXED = re.compile(r"(?<![\d.,/^_*])(\d{1,9}) (\d{1,9})/(\d{1,9})(?![\d.])")


@lru_cache(_NUM_TEXTS)
def one_spelling(text: str) -> str:
    """Without dollars, spacing and sizes; words and operators stay as they are."""
    text = in_ascii(text.translate(_CURRENCIES))
    text = _SPACE.sub(" ", text)
    if "\\begin" not in text:
        text = _ESCAPED_TWICE.sub(r"\\", text)
    for needle, pattern, replacement in _SPELLINGS:
        if needle in text:
            text = pattern.sub(replacement, text)
    text = without_remarks(text)
    text = _BASE_IN_WORDS.sub(lambda base: f"_{{{_BASES[base[1]]}}}", text)
    text = _without_ends(text)
    text = _GROUPED.sub(lambda match: match[0].replace(" ", ""), text)
    return _MIXED.sub(_mixed, text)


def _without_ends(text: str) -> str:
    """Without the full stop of the sentence; dots that go on are part of the answer."""
    text = text.strip(" ").rstrip("\\")
    if text.endswith(("..", "\\.")):
        return text
    return text.strip(" ").rstrip(_ENDS).lstrip(" :=*,;")


def _mixed(match: re.Match[str]) -> str:
    whole, over, under = match.groups()
    return f"({whole}+{over}/{under})" if int(over) < int(under) else match[0]
