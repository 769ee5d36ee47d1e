"""A cursor over tokens, with a limit on depth."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from evalkit.maths.tokens import END, Kind, Token, UnreadableError

MAX_DEPTH = 100


class TokenStream:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = [*tokens, END]
        self._position = 0
        self._depth = 0
        self.token = self._tokens[0]
        self.closers: frozenset[str] = frozenset()

    @property
    def previous(self) -> Token:
        return self._tokens[self._position - 1] if self._position else END

    def is_sign(self, *texts: str) -> bool:
        token = self.token
        return token.kind is Kind.SIGN and token.text in texts

    def is_command(self, *names: str) -> bool:
        token = self.token
        return token.kind is Kind.COMMAND and token.text in names

    def subscript_follows(self) -> bool:
        """Whether, at `^`, a subscript comes after the exponent."""
        position, depth = self._position + 1, 0
        while position < len(self._tokens):
            text = self._tokens[position].text
            depth += (text == "{") - (text == "}")
            position += 1
            if depth == 0:
                break
        return position < len(self._tokens) and self._tokens[position] == Token(Kind.SIGN, "_")

    def take(self) -> Token:
        token = self.token
        self._move(1)
        return token

    def _move(self, num_tokens: int) -> None:
        self._position = min(self._position + num_tokens, len(self._tokens) - 1)
        self.token = self._tokens[self._position]

    def take_any(self) -> Token:
        """The next token, whatever it is, but not the end."""
        if self.token.kind is Kind.END:
            raise UnreadableError("the text ends too early")
        return self.take()

    def take_digit(self) -> str:
        """The first digit of the number that comes next; the rest stays."""
        text = self.token.text
        if len(text) == 1:
            self.take()
        else:
            self.token = self._tokens[self._position] = Token(Kind.NUMBER, text[1:])
        return text[0]

    def number_follows(self) -> bool:
        """Whether a number in brackets comes next."""
        opening, inside, closing, *_ = [
            *self._tokens[self._position : self._position + 3],
            *(END, END, END),
        ]
        return opening.text == "(" and inside.kind is Kind.NUMBER and closing.text == ")"

    def skip_inverse(self) -> bool:
        """Takes `^{-1}` before an opening bracket."""
        following = [token.text for token in self._tokens[self._position : self._position + 6]]
        if following != ["^", "{", "-", "1", "}", "("]:
            return False
        self._move(5)
        return True

    def skip_sign(self, text: str) -> None:
        if self.is_sign(text):
            self.take()

    def expect(self, *texts: str) -> None:
        if self.token.kind not in (Kind.SIGN, Kind.COMMAND) or self.token.text not in texts:
            raise UnreadableError(f"{self.token.text!r} where {texts[0]!r} should stand")
        self.take()

    def refuse(self, what: str) -> NoReturn:
        raise UnreadableError(f"{what!r} is not understood")

    @contextmanager
    def deeper(self, closers: str | None = None) -> Iterator[None]:
        """One level down. `closers` are signs that end something there: bars and colons."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadableError(f"guard: deeper than {MAX_DEPTH} levels")
        before = self.closers
        self.closers = before if closers is None else frozenset(closers)
        try:
            yield
        finally:
            self._depth -= 1
            self.closers = before
