"""One spelling for what LaTeX, Unicode and plain text write in many, before anything is parsed."""

import re

from evalkit.maths.characters import in_ascii

_Rules = tuple[tuple[re.Pattern[str], str], ...]


def _rules(*pairs: tuple[str, str]) -> _Rules:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


_SPACE = re.compile(r"\s")
# Four spaces for what separates, two for what switches to mathematics: one separates thousands.
_SPELLINGS = _rules(
    (r"\{([,:])\}", r"\1"),
    (
        r"\{((?:[^{}\\]|\\(?!over(?![a-zA-Z])))*+)\\over(?![a-zA-Z])([^{}]*+)\}",
        r"\\frac{\1}{\2}",
    ),
    (r"_ ?\{? ?\\(?:text|mathrm)\{ ?(?:base )?(\d{1,2}) ?\}\}?", r"_{\1}"),
    (r"_ ?\{ ?\\(?:text|mathrm)\{ ?base ?\} ?(\d{1,2}) ?\}", r"_{\1}"),
    (r"(?<=\w) ?\\(?:text|mathrm)\{ ?\(?base (\d{1,2})\)? ?\}", r"_{\1}"),
    (r"(?<=\d) ?[xX] ?(?=10 ?\^)", r"\\times "),
    (r"(?<![a-zA-Z])([apAP])\.? ?([mM])\.(?![a-zA-Z])", r"\1\2"),
    (r",(?<!\\,)\\!\s*+", ","),
    (r"(?<!\\)\\!", ""),
    (r"(?<![\d.])\\\$\s?([\d.,]*\d)", r"\1\\text{ dollar}"),
    (r"\\\$", "  "),
    (r"\\?\$|(?<!\\)\\[()\[\]]", "  "),
    (r"\\(?:left|right|middle|[bB]igg?[lrm]?)(?![a-zA-Z])\s*+\.?", ""),
    (r"\\(?:displaystyle|textstyle|limits|nolimits|phantom|hfill)(?![a-zA-Z])", ""),
    (r"(?<!\\)\\[,;:> ]|~|\\(?:thinspace|enspace|medspace|;)(?![a-zA-Z])", " "),
    (r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
    (r"\\[dt]binom(?![a-zA-Z])", r"\\binom"),
    (r"\^\s*+\{\s*+\\(?:circ|degree)\s*+\}|\^\s*+\\(?:circ|degree)(?![a-zA-Z])", r"\\degree "),
    (r"\^\s*+(?:\{\s*+\\prime\s*+\}|\\prime(?![a-zA-Z]))", "'"),
    (r"\\(?:np|math)\.(?=[a-z])|(?<![a-zA-Z\\])(?:np|math|numpy)\.(?=[a-z])", ""),
    (r"(?<=\d)(?:\{ \}| ?\\ )(?=\d)", " "),
    (r"[£€¥₹]", ""),
    (r"\\\\\[-?[\d.]++ ?(?:pt|em|ex|mm|cm)\]", r"\\\\"),
    (r"(?<=\S) ?\\text\{ ?\([^(){}\d]{3,}+\) ?\}$", ""),
    (r"^(?:[tT]he )?(?:[fF]inal )?[aA]nswer(?: is)?[ :]++(?=\S)", ""),
    (r"^\\text\{ ?(?:[tT]he )?(?:[fF]inal )?[aA]nswer(?: is)? ?:? ?\}", ""),
    (
        r"(?<=\S) *+(?:[,;]|\\q?quad|\\text\{[ ,]*+(?:for|where|with)[^{}]{0,20}+\}) ?[a-z] ?\\in ?"
        r"\\mathbb ?\{?[ZN]\}?$",
        "",
    ),
    (r"\( ?(?:\\(?:text|mathrm)\{ ?mod ?\}|\\?[bp]?mod(?![a-z])) ?([^()]*+)\)", r"\\pmod{\1}"),
    (r"\( ?\\text\{ ?mod (\d++) ?\} ?\)", r"\\pmod{\1}"),
    (r"\\degree *+(?:\\(?:text|mathrm|rm)\{ ?C ?\}|C(?![a-zA-Z]))", r"\\text{ celsius}"),
    (r"\\degree *+(?:\\(?:text|mathrm|rm)\{ ?F ?\}|F(?![a-zA-Z]))", r"\\text{ fahrenheit}"),
    (
        r"\{((?:[^{}\\]|\\(?!choose(?![a-zA-Z])))*+)\\choose(?![a-zA-Z])([^{}]*+)\}",
        r"\\binom{\1}{\2}",
    ),
    (r"(?<=\d)\.(\d{0,30}?)(\d)\2\2++ ?(?:\\l?dots|\.\.\.)", r".\1\\overline{\2}"),
    (
        r"(?<=\d)(?:\^?\{?\\(?:text|mathrm|textrm|mbox)\{(?:st|nd|rd|th)\}\}?|\^?\{?(?:st|nd|rd|th)\}?(?![a-zA-Z]))",
        "",
    ),
)
_ESCAPED_TWICE = re.compile(r"\\\\(?=[a-zA-Z{}])")  # but in a matrix it ends the row
_ENDS = " .,;:*"
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}+(?: \d{3}(?!\d))++")
_BASES = {
    word: str(base)
    for base, word in enumerate(
        (
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ),
        2,
    )
} | {"sixteen": "16"}
_BASE_IN_WORDS = re.compile(r"_ ?\{? ?\\text\{ ?(" + "|".join(_BASES) + r") ?\}\}?")
_MIXED = re.compile(r"(?<![\d.,/^_*])(\d{1,9}) (\d{1,9})/(\d{1,9})(?![\d.])")


def one_spelling(text: str) -> str:
    """Without dollars, spacing and sizes; words and operators stay as they are."""
    text = in_ascii(text)
    text = _SPACE.sub(" ", text)
    if "\\begin" not in text:
        text = _ESCAPED_TWICE.sub(r"\\", text)
    for pattern, replacement in _SPELLINGS:
        text = pattern.sub(replacement, text)
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
