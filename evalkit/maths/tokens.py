"""Splits an answer into tokens: an allow-list of characters, and limits on length and depth."""

import re
from dataclasses import dataclass
from enum import StrEnum

from evalkit.maths.vocabulary import CONSTANT_NAMES, FUNCTIONS, SEPARATORS, UNIT_WORDS

MAX_CHARS = 2000
MAX_TOKENS = 800


class UnreadableError(ValueError):
    """The text is no formula that this parser knows; the message says why."""


class Kind(StrEnum):
    NUMBER = "number"
    LETTERS = "letters"
    FUNCTION = "function"
    COMMAND = "command"
    WORDS = "words"
    SEPARATOR = "separator"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is without the backslash for commands and without braces for words."""

    kind: Kind
    text: str


END = Token(Kind.END, "")
_TOKEN = re.compile(
    r"""
    (?P<space>[ ]++)
    |(?P<number>(?:\d++(?:\.(?!\.)\d*+)?+|\.\d++)(?:[eE][+-]?\d{1,4}+(?![\w.]))?+)
    |\\(?:text|mbox|hbox|textrm|textbf|textit|mathrm|mathit|mathsf|textsf|textnormal|emph|operatorname\*?+|rm|bf)
        (?![a-zA-Z])[ ]*+\{(?P<words>(?:[^{}]|\{[^{}]*+\})*+)\}
    |\\(?P<command>[a-zA-Z]++\*?+)
    |(?P<line>\\\\)
    |\\(?P<escaped>[^a-zA-Z0-9])
    |(?P<letters>[a-zA-Z]++)
    |(?P<foreign>[^\W\d_a-zA-Z]++)
    |(?P<sign>\*\*|<=|>=|!=|<>|==|->|[-+*/^_=<>!%(){}\[\],;:|'&])
    |(?P<unknown>.)
    """,
    re.VERBOSE,
)
_SIGNS = {"**": "^", "<=": "le", ">=": "ge", "!=": "ne", "<>": "ne", "==": "="}
_ESCAPED = {"{": "\\{", "}": "\\}", "%": "%", "|": "||", "&": "&", "#": "#", "_": "_"}
_FORMULA_IN_WORDS = re.compile(r"[\d=^()+*<>_$\\]")
_RUNS = re.compile(r"[a-zA-Z]++")
_PARTS = re.compile(r"[a-zA-Z]++|\d++|[/*^{}()-]")
_COMPOUND_UNIT = re.compile(r"[a-zA-Z]++(?:[ /*^{}()-]++(?:[a-zA-Z]++|\d++)?+)++")
_VOWELS = frozenset("aeiou")
_CONNECTIVE = re.compile(r"(?<![a-zA-Z])(and|or)(?![a-zA-Z])", re.IGNORECASE)


def tokenize(text: str) -> list[Token]:
    """Raises UnreadableError for a character that no formula has, and for texts beyond the limits."""
    if len(text) > MAX_CHARS:
        raise UnreadableError(f"guard: {len(text):,} characters; allowed are {MAX_CHARS:,}")
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        _add(tokens, match)
        if len(tokens) > MAX_TOKENS:
            raise UnreadableError(f"guard: more than {MAX_TOKENS} tokens")
    return tokens


def _add(tokens: list[Token], match: re.Match[str]) -> None:
    group = match.lastgroup
    content = match[group] if group else ""
    match group:
        case "number":
            tokens.append(Token(Kind.NUMBER, content))
        case "command":
            tokens.append(_command(content))
        case "letters":
            tokens.extend(_split_letters(content))
        case "foreign":
            is_connective = content in SEPARATORS
            kind = Kind.SEPARATOR if is_connective else Kind.WORDS
            tokens.append(Token(kind, SEPARATORS.get(content, content)))
        case "words":
            tokens.extend(_words(content))
        case "sign":
            tokens.append(Token(Kind.SIGN, _SIGNS.get(content, content)))
        case "line":
            tokens.append(Token(Kind.SIGN, "\\\\"))
        case "escaped" if content in _ESCAPED:
            tokens.append(Token(Kind.SIGN, _ESCAPED[content]))
        case "space":
            pass
        case _:
            raise UnreadableError(f"the character {match[0]!r}")


def _command(name: str) -> Token:
    name = name.removesuffix("*")
    if name in SEPARATORS:
        return Token(Kind.SEPARATOR, SEPARATORS[name])
    return Token(Kind.FUNCTION if name in FUNCTIONS else Kind.COMMAND, FUNCTIONS.get(name, name))


def _words(content: str) -> list[Token]:
    """What stands in `\\text{}`: words, a connective, or a formula after all."""
    before, *rest = _CONNECTIVE.split(content, maxsplit=1)
    if rest:
        joined = Token(Kind.SEPARATOR, rest[0].lower())
        return [*_words(before), joined, *_words(rest[1])]
    bare = content.strip(" ,:")
    if bare in FUNCTIONS:
        return [Token(Kind.FUNCTION, FUNCTIONS[bare])]
    if bare == "to":
        return [Token(Kind.SIGN, ":")]
    if _COMPOUND_UNIT.fullmatch(bare) and all(one in UNIT_WORDS for one in _RUNS.findall(bare)):
        return [_part_of_unit(part) for part in _PARTS.findall(bare)]
    if bare in ("e", "i", "pi") or (_FORMULA_IN_WORDS.search(bare) and len(bare) < MAX_CHARS):
        return tokenize(bare)
    return [Token(Kind.WORDS, bare.lower() if len(bare) > 3 else bare)] if bare else []


def _part_of_unit(part: str) -> Token:
    if part.isdigit():
        return Token(Kind.NUMBER, part)
    return Token(Kind.WORDS if part.isalpha() else Kind.SIGN, part)


def _split_letters(run: str) -> list[Token]:
    """Letters side by side: a function, a connective, a unit, a word, or a product of variables."""
    lower = run.lower()
    if run in FUNCTIONS:
        return [Token(Kind.FUNCTION, FUNCTIONS[run])]
    if run in CONSTANT_NAMES:
        return [Token(Kind.COMMAND, CONSTANT_NAMES[run])]
    if lower in SEPARATORS and len(run) > 1:
        return [Token(Kind.SEPARATOR, SEPARATORS[lower])]
    if (run in UNIT_WORDS or lower in UNIT_WORDS) and len(run) > 1:
        return [Token(Kind.WORDS, run)]
    if run == "to":
        return [Token(Kind.SIGN, ":")]
    for size in range(min(len(run), 7), 1, -1):
        if run[:size] in FUNCTIONS and len(run) - size <= 2:
            return [Token(Kind.FUNCTION, FUNCTIONS[run[:size]]), *_split_letters(run[size:])]
    if run.startswith("pi") and len(run) <= 3:
        return [Token(Kind.COMMAND, "pi"), *_split_letters(run[2:])]
    if len(run) > 3 and not run.isupper() and not _VOWELS.isdisjoint(lower):
        return [Token(Kind.WORDS, lower)]
    return [Token(Kind.LETTERS, letter) for letter in run]
