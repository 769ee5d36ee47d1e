"""Spellings of random formulas in LaTeX and plain text."""

from dataclasses import dataclass

from formulas import Formula


@dataclass(frozen=True)
class Style:
    """How LaTeX spells a formula."""

    fraction: str = r"\frac{%s}{%s}"
    times: str = r" \cdot "
    opening: str = "("
    closing: str = ")"
    plus: str = "+"
    minus: str = "-"
    power: str = "%s^{%s}"
    exponential: str = "e^{%s}"


PLAIN = Style()
STYLES = (
    PLAIN,
    Style(fraction=r"\dfrac{%s}{%s}", times=r"\times ", opening=r"\left(", closing=r"\right)"),
    Style(
        fraction="(%s)/(%s)",
        times="*",
        plus=" + ",
        minus=" - ",
        power="%s**(%s)",
        exponential="exp(%s)",
    ),
    Style(fraction=r"\tfrac {%s} {%s}", times=r" \, \cdot \, ", plus=r" \, + \, ", minus="−"),
    Style(
        fraction=r"{%s} \div {%s}",
        times=" × ",
        opening=r"\bigl( ",
        closing=r" \bigr)",
        exponential=r"\exp\left(%s\right)",
    ),
)


def latex(formula: Formula, style: Style = PLAIN) -> str:
    """With brackets wherever precedence does not make the meaning plain."""
    parts = [latex(one, style) for one in formula.operands]
    bracketed = [
        part if one.operator in ("number", "name") else f"{style.opening}{part}{style.closing}"
        for part, one in zip(parts, formula.operands, strict=True)
    ]
    match formula.operator:
        case "number" | "name":
            return formula.leaf
        case "neg":
            return style.minus + bracketed[0]
        case "^":
            return style.power % (bracketed[0], formula.leaf)
        case "+":
            right = bracketed[1] if formula.operands[1].operator == "neg" else parts[1]
            return parts[0] + style.plus + right
        case "-":
            return parts[0] + style.minus + bracketed[1]
        case "*":
            return style.times.join(bracketed)
        case "call" if formula.leaf == "exp":
            return style.exponential % parts[0]
        case "call" if formula.leaf == "sqrt":
            return rf"\sqrt{{{parts[0]}}}"
        case "call":
            return rf"\{formula.leaf}{style.opening}{parts[0]}{style.closing}"
        case _:
            return style.fraction % tuple(parts)
