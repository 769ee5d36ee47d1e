"""The tight half of the parser: powers, postfix signs, functions, brackets, names and numbers."""

from evalkit.maths.brackets import BRACKETS, FENCES, OPENING_SIGNS
from evalkit.maths.names import ACCENTS, constant, is_symbol
from evalkit.maths.symbols import SymbolParser
from evalkit.maths.tokens import Kind, Token, UnreadableError
from evalkit.maths.tree import Call, Name, Node, Words
from evalkit.maths.vocabulary import FOREIGN, PERCENT_WORDS, REFUSED

_TRANSPARENT = frozenset(
    ("mathbf", "boldsymbol", "bm", "mathcal", "mathfrak", "boxed", "fbox", "textcolor")
)


class ForeignError(UnreadableError):
    """Notation that this parser leaves to Math-Verify."""


class AtomParser(SymbolParser):
    """What the loose half hands down to; it calls back for what stands in brackets."""

    def begins_factor(self) -> bool:
        """Whether a factor follows without a sign between."""
        token = self.token
        match token.kind:
            case Kind.NUMBER:
                ends_number = self.previous.text in ("degree", "%", "!", "'")
                return not (self.previous.kind in (Kind.NUMBER, Kind.WORDS) or ends_number)
            case Kind.LETTERS | Kind.FUNCTION | Kind.WORDS:
                return True
            case Kind.SIGN:
                return token.text in OPENING_SIGNS or (
                    token.text == "|" and "|" not in self.closers
                )
            case Kind.COMMAND:
                return token.text in FENCES or token.text in _OPENING or is_symbol(token.text)
            case _:
                return False

    def power(self) -> Node:
        """An atom with its exponents, factorials, percent and degree signs."""
        node = self.atom()
        while True:
            if self.is_sign("^"):
                self.take()
                node = self._raised(node)
            elif self.is_sign("!"):
                self.take()
                double = self.is_sign("!")
                self.skip_sign("!")
                node = Call("!!" if double else "!", (node,))
            elif self.is_sign("%") or self._at_percent_word():
                self.take()
                node = Call("%", (node,))
            elif self.is_command("degree"):
                self.take()
                node = Call("deg", (node,))
            else:
                return node

    def _at_percent_word(self) -> bool:
        return self.token.kind is Kind.WORDS and self.token.text in PERCENT_WORDS

    def _raised(self, node: Node) -> Node:
        if self.is_sign("'") or self.is_command("prime", "ast", "top", "circ"):
            mark = self.take().text
            if mark == "circ":
                return Call("deg", (node,))
            return Name(f"{node.name}^{mark}") if isinstance(node, Name) else self.refuse(mark)
        if self.is_sign("*") and isinstance(node, Name):
            self.take()
            return Name(f"{node.name}^*")
        with self.deeper():
            return Call("^", (node, self.exponent()))

    def exponent(self) -> Node:
        if self.is_sign("-", "+"):
            is_negative = self.take().text == "-"
            with self.deeper():
                exponent = self.exponent()
            return Call("neg", (exponent,)) if is_negative else exponent
        node = self.atom()
        if self.is_sign("^"):
            self.take()
            with self.deeper():
                return Call("^", (node, self.exponent()))
        return node

    def atom(self) -> Node:
        with self.deeper():
            return self._atom()

    def _atom(self) -> Node:
        token = self.take()
        match token.kind:
            case Kind.NUMBER:
                return self.number_from(token)
            case Kind.LETTERS:
                return self.name_from(token.text)
            case Kind.FUNCTION:
                return self.function(token.text)
            case Kind.WORDS:
                return self._words(token)
            case Kind.SIGN if token.text in BRACKETS:
                return self.bracket(token.text)
            case Kind.SIGN if token.text in ("|", "||"):
                return self.fenced(token.text, "abs")
            case Kind.COMMAND:
                return self._command(token.text)
            case _:
                raise UnreadableError(f"{token.text!r} where a value should stand")

    def _words(self, token: Token) -> Node:
        words = [token.text]
        while self.token.kind is Kind.WORDS:
            words.append(self.take().text)
        return Words(" ".join(words))

    def _command(self, name: str) -> Node:
        if name in _TRANSPARENT:
            return self.atom()
        if name in ACCENTS:
            accented = f"{ACCENTS[name]}:{self.raw_group()}"
            return constant(accented) or self.name_from(accented)
        if name in FENCES:
            return self.fenced(*FENCES[name])
        if name in BRACKETS:
            return self.bracket(name)
        return self._construct(name) or constant(name) or self._symbol(name)

    def _construct(self, name: str) -> Node | None:
        match name:
            case "frac":
                return self.fraction()
            case "binom":
                return Call("binom", self.fraction().args)
            case "begin":
                return self.environment()
            case _:
                return None

    def _symbol(self, name: str) -> Node:
        if name in FOREIGN:
            raise ForeignError(f"\\{name}")
        if name in REFUSED or "dots" in name or not is_symbol(name):
            return self.refuse(name)
        return self.name_from(name)


_OPENING = (
    frozenset(("frac", "sqrt", "binom", "begin", "lbrace", "langle")) | _TRANSPARENT | set(ACCENTS)
)
