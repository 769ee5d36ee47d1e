"""Two repairs of spelling that graders derived from the MATH benchmark's own share."""

import re

_INTEGER = re.compile(r"-?(?:0|[1-9]\d*+)")


def with_braced_fractions(text: str) -> str:
    r"""`\frac12` and `\frac1{12}` as `\frac{1}{2}` and `\frac{1}{12}`; `\frac{1}2` stays."""
    head, *tails = text.split("\\frac")
    parts = [head]
    for tail in tails:
        if tail.startswith("{") or not tail:
            parts.append(tail)
        elif len(tail) < 2:
            return text
        else:
            second = tail[1:] if tail[1] == "{" else f"{{{tail[1]}}}{tail[2:]}"
            parts.append(f"{{{tail[0]}}}{second}")
    return "\\frac".join(parts)


def slash_as_fraction(text: str, *, with_roots: bool = False) -> str:
    r"""`1/2` as `\frac{1}{2}`; both sides are integers or, `with_roots`, hold a square root."""
    sides = text.split("/")
    if len(sides) == 2 and all(
        _INTEGER.fullmatch(one) or (with_roots and "sqrt" in one) for one in sides
    ):
        return f"\\frac{{{sides[0]}}}{{{sides[1]}}}"
    return text
