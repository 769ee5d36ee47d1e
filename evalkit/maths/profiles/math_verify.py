"""Math-Verify 0.9.0 on its own: `verify(parse(gold), parse(completion))`, as its README calls it.

Its time-outs are off, because they need the main thread; whatever it raises, it takes for
"different". Thinking is not cut off: Math-Verify has no notion of it.
"""

_DELIMITERS = ("$", r"\(", r"\[", r"\boxed", r"\fbox")


def grade(gold: str, text: str) -> tuple[bool, str | None]:
    """The verdict and the text that Math-Verify read its last candidate from.

    A gold without mathematical delimiters is put between dollar signs, as in the README.
    """
    from math_verify import parse, verify

    formula = gold if any(one in gold for one in _DELIMITERS) else f"${gold}$"
    answers = parse(text, parsing_timeout=None)
    is_equal = verify(parse(formula, parsing_timeout=None), answers, timeout_seconds=None)
    texts = [one for one in answers if isinstance(one, str)]
    return bool(is_equal), texts[-1] if texts else None
