"""What may be handed to SymPy: an allow-list of characters and names, and limits on sizes.

A text that is refused is not equal to anything but itself. The limits are far above what the golds
of benchmarks have: their parsers and `simplify` take exponential time in depth and exponents.
"""

import re
from functools import cache
from typing import Any

_MAX_LENGTH = 400
_MAX_DEPTH = 12

_TOO_LARGE = re.compile(
    r"\d{40}"  # no number of a benchmark has as many digits
    r"|\d{4}\s?!|!\s?!|\)\s?!"
    r"|(?:\*\*|\^)\s?[{(]?\s?-?\d{3}"
)
_POWER = re.compile(r"\*\*|\^")
_LETTER = re.compile(r"[A-Za-z]")
_PLAIN = re.compile(r"[0-9A-Za-z\s+\-*/^().,!=<>|]*")
_FUNCTIONS = ("sqrt", "exp", "log", "ln", "sin", "cos", "tan", "cot", "sec", "csc", "factorial")
_CONSTANTS = ("pi", "E", "I", "oo")
_MADE_BY_THE_PARSER = ("Symbol", "Number", "Integer", "Float", "Rational", "Function", "factorial2")


class RefusedError(ValueError):
    """A text that is not handed to SymPy."""


@cache
def failures() -> tuple[type[Exception], ...]:
    """What SymPy and its parsers raise for text that has no value, and RefusedError.

    Lack of memory is not among them: that is no judgement of the text.
    """
    from tokenize import TokenError

    from sympy.polys.polyerrors import BasePolynomialError  # type: ignore[import-untyped]

    of_python = (ArithmeticError, AttributeError, LookupError, NameError, NotImplementedError)
    of_text = (RecursionError, SyntaxError, TypeError, ValueError, TokenError)
    return (*of_python, *of_text, BasePolynomialError)


def check_size(text: str) -> None:
    """Raises RefusedError for what is longer, deeper or larger than an answer can be."""
    if len(text) > _MAX_LENGTH:
        raise RefusedError("longer than an answer can be")
    check_depth(text)
    if _TOO_LARGE.search(text) or _has_tower(text):
        raise RefusedError("a number, factorial or power that is too large")


def check_depth(text: str) -> None:
    """Raises RefusedError for brackets that are deeper than in any formula, in a text of any length."""
    deepest = depth = 0
    for char in text:
        if char in "{([":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "})]":
            depth -= 1
    if deepest > _MAX_DEPTH:
        raise RefusedError("deeper than an answer can be")


def read_plain(text: str, *, is_implicit: bool) -> Any:
    """A plain expression through `parse_expr`, which evaluates Python; with or without `2x`.

    Only names of the list above have a meaning: any other is a symbol. Raises RefusedError, and
    whatever `parse_expr` raises for text that is no expression.
    """
    from sympy.parsing import sympy_parser as parser  # type: ignore[import-untyped]

    check_size(text)
    if not _PLAIN.fullmatch(text):
        raise RefusedError("characters that no plain expression has")
    steps = parser.standard_transformations
    if is_implicit:
        steps += (parser.implicit_multiplication_application,)
    return parser.parse_expr(text, transformations=steps, global_dict=dict(_known_names()))


@cache
def _known_names() -> dict[str, Any]:
    import sympy  # type: ignore[import-untyped]

    names = (*_FUNCTIONS, *_CONSTANTS, *_MADE_BY_THE_PARSER)
    return {"__builtins__": {}, **{name: getattr(sympy, name) for name in names}}


def _has_tower(text: str) -> bool:
    """Whether an exponent of numbers alone holds a power: `2^3^4`, `2^{3^4}`, `2**(3**4)`."""
    exponents = (_exponent(text, one.end()) for one in _POWER.finditer(text))
    return any(_POWER.search(one) and not _LETTER.search(one) for one in exponents)


def _exponent(text: str, start: int) -> str:
    """What is raised to: a group or a single term, with a power that directly follows it."""
    end = _group_end(text, start)
    while following := _POWER.match(text, end):
        end = _group_end(text, following.end())
    return text[start:end]


def _group_end(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "{(") - (text[place] in "})")
        if depth < 0:
            return place
        if depth == 0 and not (text[place].isdigit() and text[place + 1 : place + 2].isdigit()):
            return place + 1
    return len(text)
