"""Unicode's signs for mathematics as LaTeX commands and ASCII."""

import re

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉₋₊ₙ", "0123456789-+n")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]++")
_LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉₋₊ₙ]++")
_GREEK = {
    letter: f"\\{name} "
    for letter, name in zip(
        "αβγδεζηθικλμνξρστυφχψωΓΔΘΛΞΣΦΨΩ",
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "rho",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "chi",
            "psi",
            "omega",
            "Gamma",
            "Delta",
            "Theta",
            "Lambda",
            "Xi",
            "Sigma",
            "Phi",
            "Psi",
            "Omega",
        ],
        strict=True,
    )
}
_UNICODE = str.maketrans(
    {
        **_GREEK,
        **dict.fromkeys("−–—‐‑", "-"),
        **dict.fromkeys("×·⋅∙∗", "*"),
        **dict.fromkeys("\u00a0\u2009\u202f\u3000\u2002\u2003", " "),
        **dict.fromkeys("\u200b\ufeff\u2061\u2062", ""),
        **dict.fromkeys("′’‘´", "'"),
        **dict.fromkeys("…⋯", "\\ldots "),
        **{
            "÷": "/",
            "∕": "/",
            "⁄": "/",
            "∶": ":",
            "≤": "\\le ",
            "⩽": "\\le ",
            "≥": "\\ge ",
            "⩾": "\\ge ",
        },
        **{"≡": "\\equiv ", "Ω": "\\Omega ", "μ": "\\mu "},
        **{"≠": "\\ne ", "≈": "\\approx ", "∈": "\\in ", "∪": "\\cup ", "∩": "\\cap "},
        **{"∖": "\\setminus ", "∞": "\\infty ", "π": "\\pi ", "√": "\\sqrt ", "°": "^\\circ "},
        **{"±": "\\pm ", "∓": "\\mp ", "ℝ": "\\mathbb{R}", "∅": "\\emptyset ", "º": "^\\circ "},
        **{"⌊": "\\lfloor ", "⌋": "\\rfloor ", "⌈": "\\lceil ", "⌉": "\\rceil "},
        **{"（": "(", "）": ")", "，": ",", "；": ";", "：": ":", "。": ".", "％": "%", "、": ","},
        **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
        **{"½": "\\frac{1}{2}", "⅓": "\\frac{1}{3}", "¼": "\\frac{1}{4}", "¾": "\\frac{3}{4}"},
    }
)


def in_ascii(text: str) -> str:
    """Letters of other scripts and unknown signs stay."""
    if text.isascii():
        return text
    text = _RAISED.sub(lambda run: f"^{{{run[0].translate(_SUPERSCRIPTS)}}}", text)
    text = _LOWERED.sub(lambda run: f"_{{{run[0].translate(_SUBSCRIPTS)}}}", text)
    return text.translate(_UNICODE)
