"""Golds and completions for fuzzing the grader: plausible ones, mutated. Deterministic by seed and number."""

import random
from collections.abc import Callable, Sequence


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one for line in text.strip().split("\n") for one in line.split("   "))


ANSWERS = _listed(
    r"""
0   -17   3.14   1,234,567   1 234 567   2.5e-3   3.83 \times 10^{35}   0.1\overline{6}
\frac{3}{4}   -\dfrac12   7/8   2\frac{1}{3}   50\%   \$12.50   90^\circ   5\text{ cm}^2
1011_2   \sqrt{2}   \sqrt[3]{x^2+1}   2x^2 - 3x + 1   (x-1)(2x-1)   e^{i\pi}
\frac{x+1}{x-1}   y = 3x - 2   x^2 + y^2 = 25   x > 3   0 < x \le 1   (0, 1]
(-\infty, 2) \cup (5, \infty)   \{1, 2, 3\}   1, 2, 3   (3, -4)
\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}   3 \pm 2\sqrt{5}   3+4i   \log_2 10
\sin^2\theta   \binom{10}{3}   5!   |x-3|   \text{East}   C   12:30   no
\sum_{k=1}^{n} k^2   \int_0^1 x\,dx   \lim_{x\to 0} \frac{\sin x}{x}   \emptyset
n \in \mathbb{Z}
"""
)
_TEXTS = _listed(
    r"""
The answer is $%s$.   So \boxed{%s}.   #### %s   Answer: %s   **%s**   %s   We get \[%s\]
<think>Let me see: %s</think>\nIt is \boxed{%s}.   <think> %s
\boxed{%s} or rather \boxed{%s}   either %s or %s   <answer>%s</answer>
The final answer is %s. I hope it is correct.   = %s\n\n= %s
"""
)
_COMMANDS = _listed(
    r"""
\frac   \frac{   \sqrt{   \sqrt[   \left(   \right)   \{   \}   \\   $$   \(   \]   \text{
\boxed{   \fbox{   \begin{pmatrix}   \end{pmatrix}   \begin{cases}   \binom{   !!
10^{10^{10}}   9^{9^{9^9}}   1e999999   99999999!   0.000000001   1/0   0^0   \infty   nan
\sum_{k=1}^{10^9}   \int   \prod   \lim_{x\to0}   \log   \sin   \pm   \mp   \cup   \in
</think>   <think>   answer is   Answer:   ####   I hope it is correct   __import__('os')
"""
)
_PIECES = (
    *"{}()[]$^_!|&#%\\,.;:=<>+-*/~'\"` \n\t0123456789xyzeiE\x00°π√½²×−≤∞７\ud800😀\u202e",
    *_COMMANDS,
    *("9" * 400, "x" * 60, " or ", " and "),
)
_PAIRS = (
    ("{", "}"),
    ("(", ")"),
    (r"\sqrt{", "}"),
    (r"\frac{1}{", "}"),
    ("|", "|"),
    (r"\left(", r"\right)"),
)
_MAX_CHARS = 100_000


def make_case(
    seed: int, number: int, golds: Sequence[str], responses: Sequence[str]
) -> tuple[str, str]:
    """A gold and a completion. They are made of ANSWERS, and of what is given beside them."""
    chance = random.Random(f"{seed}:{number}")
    gold = chance.choice(golds if golds and chance.random() < 0.5 else ANSWERS)
    if chance.random() < 0.3:
        gold = _mutated(gold, chance)
    if responses and chance.random() < 0.3:
        return gold, _mutated(chance.choice(responses), chance)
    answer = gold if chance.random() < 0.5 else chance.choice(ANSWERS)
    text = chance.choice(_TEXTS).replace(r"\n", "\n")
    for _ in range(text.count("%s")):
        text = text.replace("%s", _mutated(answer, chance), 1)
    return gold, _mutated(text, chance) if chance.random() < 0.3 else text


def _mutated(text: str, chance: random.Random) -> str:
    for _ in range(chance.choice((0, 1, 1, 2, 4, 8))):
        text = chance.choice(_MUTATIONS)(text, chance)[:_MAX_CHARS]
    return text


def _insert(text: str, chance: random.Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(_PIECES) + text[at:]


def _replace(text: str, chance: random.Random) -> str:
    start, end = _span(text, chance)
    return text[:start] + chance.choice(_PIECES) + text[end:]


def _delete(text: str, chance: random.Random) -> str:
    start, end = _span(text, chance)
    return text[:start] + text[end:]


def _splice(text: str, chance: random.Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(ANSWERS) + text[at:]


def _repeat(text: str, chance: random.Random) -> str:
    start, end = _span(text, chance)
    return text[:start] + text[start:end] * chance.choice((2, 3, 10, 100, 10_000)) + text[end:]


def _nest(text: str, chance: random.Random) -> str:
    start, end = _span(text, chance)
    opening, closing = chance.choice(_PAIRS)
    depth = chance.choice((1, 2, 5, 20, 200, 5000))
    return text[:start] + opening * depth + text[start:end] + closing * depth + text[end:]


def _shuffle(text: str, chance: random.Random) -> str:
    start, end = _span(text, chance)
    return text[:start] + "".join(chance.sample(text[start:end], end - start)) + text[end:]


def _span(text: str, chance: random.Random) -> tuple[int, int]:
    start = chance.randint(0, len(text))
    return start, min(len(text), start + chance.choice((1, 1, 2, 5, 20, 100)))


_MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    *(_insert, _insert, _insert, _replace, _replace, _delete),
    *(_splice, _repeat, _nest, _shuffle),
)
