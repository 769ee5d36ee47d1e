"""Which commands are symbols, and which symbols are constants."""

from evalkit.maths.tree import EULER, IMAGINARY, INFINITY, PI, REALS, Node, Sequence

ACCENTS = {
    **{"overline": "bar", "bar": "bar", "vec": "vec", "overrightarrow": "vec", "hat": "hat"},
    **{"widehat": "hat", "tilde": "tilde", "widetilde": "tilde", "dot": "dot", "ddot": "ddot"},
    **{"overarc": "arc", "wideparen": "arc", "underline": "bar", "mathbb": "set"},
}
_NOT_SYMBOLS = frozenset(
    [
        "cdot",
        "times",
        "div",
        "ast",
        "pm",
        "mp",
        "le",
        "leq",
        "leqslant",
        "leqq",
        "lt",
        "ge",
        "geq",
        "geqslant",
        "geqq",
        "gt",
        "ne",
        "neq",
        "in",
        "notin",
        "approx",
        "simeq",
        "sim",
        "equiv",
        "doteq",
        "coloneqq",
        "cup",
        "cap",
        "setminus",
        "backslash",
        "bmod",
        "mod",
        "pmod",
        "colon",
        "mid",
        "end",
        "degree",
        "rfloor",
        "rceil",
        "rvert",
        "rVert",
        "Vert",
        "vert",
        "rbrace",
        "rangle",
        "rbrack",
        "bullet",
        "to",
        "rightarrow",
        "Rightarrow",
        "implies",
        "iff",
        "not",
        "forall",
        "circ",
        "prime",
        "top",
    ]
)
_CONSTANTS: dict[str, Node] = {
    **{"pi": PI, "e": EULER, "i": IMAGINARY, "infty": INFINITY, "emptyset": Sequence("{}", ())},
    **{"varnothing": Sequence("{}", ()), "set:R": REALS, "imath": IMAGINARY},
}


def constant(name: str) -> Node | None:
    return _CONSTANTS.get(name)


def is_symbol(command: str) -> bool:
    """Whether a command stands for a value, so that it multiplies what is beside it."""
    return command not in _NOT_SYMBOLS
