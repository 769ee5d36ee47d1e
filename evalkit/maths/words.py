"""Answers in words, and the spelling by which two texts are the same without any mathematics."""

import re

from evalkit.maths.tree import REALS, Node, Sequence, number

_WRAPPED = re.compile(
    r"\\(?:text|mbox|hbox|textrm|textbf|textit|mathrm|mathbf|mathit|mathsf|textnormal|emph|boxed|rm|bf)"
    r"(?![a-zA-Z])\s*+(?:\{([^{}]*+)\})?+"
)
_NOT_A_WORD = re.compile(r"[^\w\s'-]++|_")
_EMPTY = Sequence("{}", ())
_NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
PHRASES: dict[str | None, Node] = {
    **dict.fromkeys(("all real number", "all real", "real number", "any real number"), REALS),
    **dict.fromkeys(("there is no solution", "there are no solution"), _EMPTY),
    **dict.fromkeys(("no solution", "no real solution", "empty set", "no such number"), _EMPTY),
}
PHRASES |= {word: number(value) for value, word in enumerate(_NUMBER_WORDS)}
"""What some answers in words mean, by their form in `as_words`."""
_SPACES = re.compile(r"(?<!\d)\s++|\s++(?!\d)")
_FORMULA = re.compile(r"[\d\\=^<>+/*|!()\[\]{},;]")
_VOWELS = frozenset("aeiou")
_ARTICLES = frozenset(("a", "an", "the"))
_CHOICE = re.compile(
    r"\(?\s*+(?:option|choice)?\s*+\(?([A-Za-z])(?:[).:]++(\s.*+)?)?", re.DOTALL | re.I
)
_SECOND_CHOICE = re.compile(
    r"(?<![a-zA-Z])(?:[A-J][).:]|\(?[A-J]\)?$|or|and|not|no|wrong|is)(?![a-zA-Z])"
)
_LONE_CHOICE = re.compile(r"\(?([A-Za-z])\)?[.:]?")


def unwrapped(text: str) -> str:
    """Without `\\text{}` and its like, whose content stays."""
    return _WRAPPED.sub(lambda match: f" {match[1]} " if match[1] is not None else " ", text)


def bare_spelling(text: str) -> str:
    """Without `\\text{}`, the braces around one character, and spaces but those between digits."""
    joined = _SPACES.sub("", unwrapped(text).strip())
    return re.sub(r"([_^])\{(\w)\}", r"\1\2", joined)


def as_words(text: str) -> str | None:
    """Folded to lower case, without punctuation, articles and plurals; None for what is not only words."""
    bare = unwrapped(text)
    if _FORMULA.search(bare):
        return None
    words = [word for word in _NOT_A_WORD.sub(" ", bare).split() if word.lower() not in _ARTICLES]
    joined = " ".join(map(_folded, words))
    return joined if len(joined) > 1 else None


def _folded(word: str) -> str:
    """Two letters and fewer may be a formula: there the case counts."""
    if len(word) < 3 and word.lower() != "no":
        return word
    is_plural = len(word) > 3 and not _VOWELS.isdisjoint(word.lower())
    return word.lower().removesuffix("s") if is_plural else word.lower()


def choice_of(text: str) -> str | None:
    """The letter of a multiple choice, alone or with its text: `(C)`, `C. 12`, `Option C`.

    None where another letter, or a word that takes it back, follows.
    """
    match = _CHOICE.fullmatch(unwrapped(text).strip())
    if match is None or _SECOND_CHOICE.search(match[2] or ""):
        return None
    return match[1].upper()


def is_choice(gold: str) -> bool:
    """Whether a gold is one upper-case letter, bare or in brackets."""
    match = _LONE_CHOICE.fullmatch(unwrapped(gold).strip(" $"))
    return bool(match) and match[1] in "ABCDEFGHIJ"  # type: ignore[index]
