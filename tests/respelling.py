"""Other spellings of golds, by rule: texts that mean the same."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

_WORDS = r"\\(?:text|mbox|begin|mathrm|operatorname)|[a-zA-Z]{4,}(?<!\\frac)(?<!\\sqrt)"
_GROUPED = r"\d,\s*\\!|\d,\d{3}|\d\{,\}"
_NO_SPACING = rf"{_WORDS}|{_GROUPED}|\de[-+]?\d"


@dataclass(frozen=True)
class Pattern:
    """Each template in turn takes the place of all matches; golds that `skip` matches are left out."""

    name: str
    pattern: str
    templates: tuple[str, ...]
    skip: str = "(?!)"

    def __call__(self, gold: str) -> list[str]:
        if re.search(self.skip, gold) or not re.search(self.pattern, gold):
            return []
        return [re.sub(self.pattern, template, gold) for template in self.templates]


PATTERNS = [
    Pattern("dollars", r"^([^$]+)$", (r"$\1$", r"$$\1$$", r"\\(\1\\)", r"\\[ \1 \\]")),
    Pattern(
        "scientific notation",
        r"^(-?[\d.]+)[eE]\+?(-?\d+)$",
        (r"\1 \\times 10^{\2}", r"\1\\cdot 10^{\2}", r"\1*10**(\2)", r"\1E\2", r"\1 × 10^{\2}"),
    ),
    Pattern(
        "fraction commands",
        r"\\[dt]?frac(?![a-z])",
        (r"\\frac", r"\\dfrac", r"\\tfrac", r"\\cfrac"),
    ),
    Pattern(
        "fractions on one line",
        r"(?<![\d^])(?<!\d )\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}",
        (r"((\1)/(\2))",),
    ),
    Pattern(
        "fractions of digits", r"\\[dt]?frac\{(\d)\}\{(\d)\}", (r"\\frac\1\2", r"\\frac \1 \2")
    ),
    Pattern("degree signs", r"\^\s*\{?\s*\\circ\s*\}?", (r"^\\circ ", r"^{\\circ}", "°")),
    Pattern(
        "degrees",
        r"^(-?[\d.]+)\s*\^\s*\{?\s*\\circ\s*\}?$",
        (r"\1", r"\1 degrees", r"\1\\text{ degrees}", r"\1 \\degree"),
    ),
    Pattern("brackets without sizes", r"\\(?:left|right)(?![a-z])", ("",)),
    Pattern("spaces", r"([-+=<>,()])", (r" \1 ", r"\\,\1\\, ", r"\1\n"), _NO_SPACING),
    Pattern("no spaces", r"(?<![a-zA-Z\\\d])\s+|(?<!\\)\s+(?![a-zA-Z\d])", ("",), _WORDS),
    Pattern("braces around exponents", r"([\^_])([0-9a-zA-Z])", (r"\1{\2}",)),
    Pattern("exponents without braces", r"([\^_])\{([0-9a-zA-Z])\}(?!\d)", (r"\1\2",)),
    Pattern("roots", r"\\sqrt\{([^{}]*)\}", (r"\\sqrt{(\1)}", r"√{\1}", r"{\\sqrt{\1}}")),
    Pattern("roots of digits", r"\\sqrt\{(\d)\}(?!\d)", (r"\\sqrt\1", r"\\sqrt \1", r"√\1")),
    Pattern("products", r"\\(?:cdot|times)(?![a-z])", (r"\\cdot ", r"\\times ", "*", "×", "·")),
    Pattern("minus", r"-", ("−",), _WORDS),
    Pattern("pi", r"\\pi(?![a-z])", ("π", r"{\\pi}")),
    Pattern("infinity", r"\\infty", ("∞",)),
    Pattern("inequality signs", r"\\geq?(?:slant)?(?![a-z])", (r"\\ge ", r"\\geq ", "≥")),
    Pattern("union signs", r"\\cup", ("∪",)),
    Pattern("leading zeros", r"^(-?)(\d+)$", (r"\g<1>0\2", r"\g<1>00\2")),
    Pattern("a point for a whole number", r"^(-?\d+)$", (r"\1.0", r"\1.00", r"\1.", r"{\1}")),
    Pattern("zeros of a decimal", r"^(-?\d*\.\d+)$", (r"\g<1>0", r"\g<1>00")),
    Pattern("no zero before the point", r"^(-?)0(\.\d+)$", (r"\1\2",)),
    Pattern(
        "words",
        r"^(?:\\(?:text|mbox|mathrm)\{)?([A-Za-z][A-Za-z ]{2,})\}?$",
        (r"\1", r"\\text{\1}", r"\\textbf{\1}", r"\\mathrm{\1}", r"\\mbox{ \1 }", r"\1."),
    ),
]


def sized_brackets(gold: str) -> Iterable[str]:
    if not re.search(r"[(\[]", gold) or re.search(rf"{_WORDS}|\\left|\\sqrt\[|np\.", gold):
        return
    for opening, closing in ((r"\\left", r"\\right"), (r"\\bigl", r"\\bigr"), (r"\\Big", r"\\Big")):
        sized = re.sub(r"[(\[]|\\\{", rf"{opening}\g<0>", gold)
        yield re.sub(r"[)\]]|\\\}", rf"{closing}\g<0>", sized)


def thousands(gold: str) -> Iterable[str]:
    if re.fullmatch(r"-?[1-9]\d{3,}", gold):
        for separator in (",", "{,}", r"\,", r",\!", " ", r"\ ", "~"):
            yield f"{int(gold):,}".replace(",", separator)


def fractions(gold: str) -> Iterable[str]:
    """Of a fraction or a decimal: both, and the fraction not in lowest terms."""
    match = re.fullmatch(r"(-?)\\[dt]?frac\{(-?\d+)\}\{(\d+)\}|(-?\d+/\d+|-?\d*\.\d+)", gold)
    if match is None:
        return
    value = Fraction(match[4] or f"{match[1]}{match[2]}/{match[3]}")
    over, under = value.numerator, value.denominator
    yield from (f"{over}/{under}", rf"\frac{{{over}}}{{{under}}}", rf"\frac{{{-over}}}{{{-under}}}")
    yield rf"\dfrac{{{2 * over}}}{{{2 * under}}}"
    if 10**12 % under == 0:
        yield str(Decimal(over) / under)


def lists(gold: str) -> Iterable[str]:
    """Of a set or a bare list: its items in other orders, with braces and with connectives."""
    if "$" in gold or re.search(rf"{_GROUPED}|dots|\\text|\\begin|=|\\mid|\|", gold):
        return
    match = re.fullmatch(r"(?:\\left)?\\\{(.*?)(?:\\right)?\\\}", gold)
    items = top_level_items(match[1] if match else gold)
    if len(items) < 2:
        return
    for ordered in (items[::-1], items[1:] + items[:1]):
        yield ", ".join(ordered)
        yield rf"\left\{{ {' , '.join(ordered)} \right\}}"
        yield rf"{', '.join(ordered[:-1])} \text{{ and }} {ordered[-1]}"
        yield f"{', '.join(ordered[:-1])} and {ordered[-1]}"


def labels(gold: str) -> Iterable[str]:
    """With a variable in front that does not occur in the gold."""
    names = re.sub(r"\\[a-zA-Z]+", "", gold)
    is_value = not re.search(r"[=<>$]|\\(?:[lg]e|in\b|\{|cup|text|mbox|quad)|[a-zA-Z]{3,}", gold)
    is_value = is_value or re.fullmatch(r"\\frac\{\d+\}\{\d+\}", gold) is not None
    if not is_value or len(top_level_items(gold)) > 1:
        return
    yield from (f"{name} = {gold}" for name in ("x", "y", "S") if name not in names)
    yield rf"A_{{1}}={gold}"


def intervals(gold: str) -> Iterable[str]:
    """An interval as an inequality; only where it cannot be a point."""
    match = re.fullmatch(r"(?:([a-z]) *\\in *)?(?:\\left)?([(\[])(.*?)(?:\\right)?([)\]])", gold)
    if match is None or len(top_level_items(match[3])) != 2:
        return
    name, opening, ends, closing = match.groups()
    if not name and r"\infty" not in ends and opening + closing in ("()", "[]"):
        return
    low, high = top_level_items(ends)
    signs = {"(": "<", ")": "<", "[": r"\le", "]": r"\le"}
    below = "" if "infty" in low else f"{low} {signs[opening]} "
    above = "" if "infty" in high else f" {signs[closing]} {high}"
    chain = f"{below}{name or 'x'}{above}"
    yield from (
        chain,
        rf"\{{{name or 'x'} \mid {chain}\}}",
        rf"{name or 'x'} \in {opening}{ends}{closing}",
    )


def inequalities(gold: str) -> Iterable[str]:
    """An inequality as a half-line, and with its sides exchanged."""
    match = re.fullmatch(r"([a-z]) *(<|>|\\[lg]eq?(?:slant)?(?![a-z])) *([^<>=\\,]+)", gold)
    if match is None:
        return
    name, sign, end = match.groups()
    is_below = sign == "<" or sign.startswith(r"\l")
    bracket = ("(", ")") if sign in "<>" else ("[", "]")
    mirrored = {"<": ">", ">": "<"}.get(sign, r"\geq" if is_below else r"\leq")
    yield f"{end} {mirrored} {name}"
    yield rf"(-\infty, {end}{bracket[1]}" if is_below else rf"{bracket[0]}{end}, \infty)"


def unions(gold: str) -> Iterable[str]:
    parts = [part.strip() for part in gold.rstrip(".$").split(r"\cup")]
    if (
        len(parts) > 1
        and "$" not in gold.rstrip(".$")
        and r"\in" not in gold.replace(r"\infty", "")
    ):
        yield r" \cup ".join(parts[::-1])
        yield r"x \in " + " ∪ ".join(parts)


def plus_minus(gold: str) -> Iterable[str]:
    if gold.count(r"\pm") == 1 and not re.search(r"[,=]|\\\{", gold):
        both = [gold.replace(r"\pm", sign) for sign in "+-"]
        yield from (", ".join(both), ", ".join(both[::-1]), rf"\{{{both[1]}, {both[0]}\}}")
        yield from (r" \text{ or } ".join(both), gold.replace(r"\pm", "±"), f"x = {gold}")


def top_level_items(text: str) -> list[str]:
    """What the commas separate that stand in no brackets."""
    items, depth = [""], 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == "," and not depth:
            items.append("")
        else:
            items[-1] += char
    return [item.strip() for item in items]


FUNCTIONS = [sized_brackets, thousands, fractions, lists, labels, intervals]
FUNCTIONS += [inequalities, unions, plus_minus]
