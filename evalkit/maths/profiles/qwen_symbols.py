"""Whether two expressions are equal to SymPy, in the sense of Qwen2.5-Math; see `qwen_math`."""

import math
import re
from typing import Any

from evalkit.maths.profiles.guard import RefusedError, check_size, failures, read_plain

_COMMANDS_TEXT = """
    frac sqrt pi infty cdot times div pm le ge ne lt gt sin cos tan cot sec csc arcsin arccos
    arctan sinh cosh tanh log ln exp binom alpha beta gamma delta epsilon theta lambda mu nu rho
    sigma tau phi varphi omega begin end lfloor rfloor lceil rceil
"""
_COMMANDS = frozenset(_COMMANDS_TEXT.split())
_COMMAND = re.compile(r"\\([A-Za-z]++)")
_SPACE = re.compile(r"\\(?:[,;:! ]|quad\b|qquad\b)")
_END = re.compile(r",|\^\(")
_LATEX = re.compile(r"[0-9A-Za-z\s+\-*/^_().!=<>|{}&\\]*")


def are_close(left: float, right: float) -> bool:
    return math.isclose(left, right, rel_tol=1e-4)


def are_symbolically_equal(left: str, right: str) -> bool:
    """Equal as written, by `equals` or `simplify`, as equations, or as numbers to 1 in 10,000."""
    one, other = _read(left), _read(right)
    if isinstance(one, str) or isinstance(other, str):
        return left == right
    steps = (_are_same, _are_same_difference, _are_same_equation, _are_close_values, _are_matrices)
    return any(_holds(step, one, other) for step in steps)


def _holds(step: Any, one: Any, other: Any) -> bool:
    try:
        return bool(step(one, other))
    except failures():  # as in the source: what cannot be computed does not hold
        return False


def _read(text: str) -> Any:
    """An expression through the guards, or the text itself where nothing can read it."""
    for spelling in dict.fromkeys((text.replace("\\\\", "\\"), text)):
        for reader in (_read_latex, _read_plain):
            try:
                return reader(spelling)
            except failures():
                continue
    return text


def _read_plain(text: str) -> Any:
    return read_plain(text, is_implicit=False)


def _read_latex(text: str) -> Any:
    """Through Math-Verify's reader, in place of `parse_latex`.

    As there, reading ends at a comma and at `^(`, so that of `1,-2` only the 1 counts, and pi is a
    symbol.
    """
    from math_verify import LatexExtractionConfig, parse
    from math_verify.parser import NormalizationConfig
    from sympy import Symbol, pi  # type: ignore[import-untyped]

    text = _END.split(_SPACE.sub("", text), maxsplit=1)[0]
    check_size(text)
    if not _LATEX.fullmatch(text) or not _COMMANDS.issuperset(_COMMAND.findall(text)):
        raise RefusedError("notation that parse_latex does not know")
    normalization = NormalizationConfig(
        basic_latex=True, units=False, malformed_operators=False, nits=False, boxed="none"
    )
    config = LatexExtractionConfig(
        try_extract_without_anchor=True, normalization_config=normalization
    )
    parsed = parse(f"${text}$", [config], fallback_mode="no_fallback", parsing_timeout=None)
    if not parsed:
        raise RefusedError("not readable")
    return parsed[0].subs(pi, Symbol("pi"))


def _are_same(one: Any, other: Any) -> bool:
    return bool(one == other)


def _are_same_difference(one: Any, other: Any) -> bool:
    from sympy import simplify

    return bool(one.equals(other) or simplify(one - other) == 0)


def _are_same_equation(one: Any, other: Any) -> bool:
    return bool(abs(one.lhs - one.rhs).equals(abs(other.lhs - other.rhs)))


def _are_close_values(one: Any, other: Any) -> bool:
    from sympy import N

    return are_close(float(N(one)), float(N(other)))


def _are_matrices(one: Any, other: Any) -> bool:
    if one.shape != other.shape:
        return False
    rounded = [matrix.applyfunc(lambda entry: round(entry, 3)) for matrix in (one, other)]
    return bool(rounded[0].equals(rounded[1]))
