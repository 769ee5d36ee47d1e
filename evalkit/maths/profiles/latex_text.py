"""LaTeX as plain Unicode text, as pylatexenc 2.10's `latex_to_text` writes answers of mathematics.

Reproduced: fractions, roots, groups, spacing, matrices, text and font commands, named functions,
the symbols below, and that any other command vanishes while its arguments stay. Not reproduced:
accents (their letter stays bare), environments other than matrices (their content stays) and the
layout of displayed formulas.
"""

import re

_TABLE = """
    alpha α  beta β  gamma γ  delta δ  epsilon ϵ  varepsilon ε  zeta ζ  eta η  theta θ
    vartheta ϑ  iota ι  kappa κ  lambda λ  mu μ  nu ν  xi ξ  pi π  rho ρ  sigma σ  tau τ
    upsilon υ  phi ϕ  varphi φ  chi χ  psi ψ  omega ω  Gamma Γ  Delta Δ  Theta Θ  Lambda Λ
    Xi Ξ  Pi Π  Sigma Σ  Upsilon Υ  Phi Φ  Psi Ψ  Omega Ω  infty ∞  cup ∪  cap ∩  cdot ·
    times ×  div ÷  pm ±  mp ∓  le ≤  leq ≤  ge ≥  geq ≥  ne ≠  neq ≠  lt <  gt >  in ∈
    notin ∉  subset ⊂  subseteq ⊆  emptyset ∅  varnothing ∅  to →  rightarrow →  leftarrow ←
    Rightarrow ⇒  mapsto ↦  approx ≈  equiv ≡  sim ∼  simeq ≃  cong ≅  propto ∝  angle ∠
    circ ∘  prime '  degree °  perp ⊥  parallel ∥  mid |  lvert |  rvert |  vert |  Vert ‖
    lfloor ⌊  rfloor ⌋  lceil ⌈  rceil ⌉  langle ⟨  rangle ⟩  ldots …  dots …  cdots ⋯  sum ∑
    prod ∏  int ∫  partial ∂  nabla ∇  forall ∀  exists ∃  wedge ∧  vee ∨  neg ¬  setminus ∖
    ast ∗  star ⋆  oplus ⊕  otimes ⊗  hbar ħ  ell ℓ  lbrace {  rbrace }  backslash \\
    textdegree °  colon :
"""
_PAIRS = _TABLE.split()
_SYMBOLS = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
_NAMES_TEXT = """
    sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp lim
    min max det
"""
_NAMES = frozenset(_NAMES_TEXT.split())
_SPACES = {",": " ", ";": " ", ":": " ", " ": " ", "!": "", "quad": "  ", "qquad": "    "}
_LITERAL = "{}%$#&_"
_ALPHABETS = ("mathbb", "mathbf", "mathcal", "mathfrak", "mathscr", "mathsf")
_MATRICES = ("matrix", "array", "smallmatrix")

_TOKEN = re.compile(r"\\(?:[A-Za-z]++[ \t\n]*+|.)|[{}]|[^\\{}]++", re.DOTALL)
_BEGIN = re.compile(r"\\begin\s*+\{([^{}]*+)\}(?:\{[^{}]*+\})?+")
_END = re.compile(r"\\end\s*+\{([^{}]*+)\}")


def latex_to_text(text: str) -> str:
    text = _END.sub(lambda one: " ]" if _is_matrix(one[1]) else "", text)
    text = _BEGIN.sub(lambda one: "[ " if _is_matrix(one[1]) else "", text)
    separator = "; " if "[ " in text else "\n"
    return _Reader(text, separator).everything()


def _is_matrix(name: str) -> bool:
    return name.endswith(_MATRICES)


class _Reader:
    """Reads tokens from left to right; braces that do not match are passed over."""

    def __init__(self, text: str, row_end: str) -> None:
        self._tokens: list[str] = _TOKEN.findall(text)[::-1]
        self._row_end = row_end

    def everything(self) -> str:
        parts = []
        while self._tokens:
            parts.append(self._group())
        return "".join(parts)

    def _group(self) -> str:
        """What stands before the next closing brace that is not part of a group, or the end."""
        parts = []
        while self._tokens:
            token = self._tokens.pop()
            if token == "}":
                break
            parts.append(self._text(token))
        return "".join(parts)

    def _text(self, token: str) -> str:
        if token == "{":
            return self._group()
        if not token.startswith("\\"):
            return _typeset(token)
        return self._command(token[1:].strip() or " ")

    def _command(self, name: str) -> str:
        if name == "\\":
            return self._row_end
        if name == "frac":
            return f"{self._argument()}/{self._argument()}"
        if name == "sqrt":
            self._skip_option()
            return f"√({self._argument()})"
        if name in _ALPHABETS:
            return "".join(f"{char}\N{COMBINING LONG STROKE OVERLAY}" for char in self._argument())
        if name == "mbox":
            self._argument()
            return ""
        if name in _SPACES:
            return _SPACES[name]
        return name if name in _NAMES or name in _LITERAL else _SYMBOLS.get(name, "")

    def _argument(self) -> str:
        """The next group, command or single character."""
        while self._tokens and self._tokens[-1].isspace():
            self._tokens.pop()
        if not self._tokens or self._tokens[-1] == "}":
            return ""
        token = self._tokens.pop()
        if token[0] in "{\\":
            return self._text(token)
        token = token.lstrip()
        if token[1:]:
            self._tokens.append(token[1:])
        return token[0]

    def _skip_option(self) -> None:
        if self._tokens and self._tokens[-1].startswith("["):
            _, bracket, rest = self._tokens[-1].partition("]")
            if bracket:
                self._tokens[-1:] = [rest] if rest else []


def _typeset(text: str) -> str:
    """Plain characters, with the ligatures of TeX."""
    for source, sign in (("---", "—"), ("--", "–"), ("``", "“"), ("''", "”"), ("~", "\xa0")):
        text = text.replace(source, sign)
    return text.replace("&", " ")
