"""Math-Verify's judgement, for notation that the parser leaves to it.

Only its LaTeX reader is used: the one for plain expressions hands text to `parse_expr`. Its own time-outs are off: this
runs in a worker that is killed from outside.
"""

import re
from typing import Any

from evalkit.maths.patience import limited_cpu
from evalkit.maths.spelling import one_spelling


def are_equal(gold: str, answer: str) -> bool:
    """Raises where the comparison fails, so that a failure is not taken for "different".

    Equal in both orders. Raises TooSlowError after a second and a half of CPU time; off the main thread there is
    no limit.
    """
    with limited_cpu(_LIMIT_S):
        return _verify(gold, answer) and _verify(answer, gold)


def free_letters(text: str) -> frozenset[str]:
    """The variables of a text, without those that a sum, an integral or a limit binds."""
    bare = _COMMAND.sub(" ", text)
    bound = {name for match in _BOUND.finditer(text) for name in match.groups() if name}
    return frozenset(_LETTER.findall(bare)) - bound - _NEVER_FREE


def _verify(gold: str, answer: str) -> bool:
    from math_verify import verify

    golds, answers = _read(gold), _read(answer)
    if not golds or not answers:
        return False
    return bool(verify(golds, answers, timeout_seconds=None, raise_on_error=True))


def _read(text: str) -> list[Any]:
    """The values that it may mean; what has no value is left out."""
    from math_verify import LatexExtractionConfig, parse

    spelled = one_spelling(text)
    if _depth(spelled) > _MAX_DEPTH:
        return []
    config = LatexExtractionConfig(boxed_match_priority=0)
    parsed = parse(f"${spelled}$", [config], parsing_timeout=None, raise_on_error=False)
    return [value for value in parsed if not isinstance(value, str) and not _is_undefined(value)]


_COMMAND = re.compile(r"\\[a-zA-Z]++")
_LETTER = re.compile(r"[a-zA-Z]")
_BOUND = re.compile(
    r"_\s*+\{?\s*+([a-zA-Z])\s*+(?:=|\\(?:to|in|ge|le))|d\s*+([a-zA-Z])(?![a-zA-Z])"
)
_NEVER_FREE = frozenset("dei")
_LIMIT_S = 1.5
_MAX_DEPTH = 12  # its parser takes exponential time; benchmarks and models reach 4


def _depth(text: str) -> int:
    deepest = depth = 0
    for char in text:
        depth += (char in "{([") - (char in "})]")
        deepest = max(deepest, depth)
    return deepest


def _is_undefined(value: Any) -> bool:
    """Whether it divides by zero or computes with infinity.

    Math-Verify stumbles over the first and finds `x=\\infty^2\\pi` equal to every number.
    """
    from sympy import nan, oo, preorder_traversal, zoo  # type: ignore[import-untyped]

    without_value = {oo, -oo, zoo, nan}
    return value in (nan, zoo) or any(
        _is_operation(node) and not without_value.isdisjoint(node.args)
        for node in preorder_traversal(value)
    )


def _is_operation(node: Any) -> bool:
    from sympy import Add, Function, Mul, Pow, UnevaluatedExpr

    return isinstance(node, Add | Function | Mul | Pow | UnevaluatedExpr)
