"""Numbers, names and short fractions, with what belongs to them: bases, subscripts, primes."""

from evalkit.maths.functions import FunctionParser
from evalkit.maths.names import constant
from evalkit.maths.numerals import mixed_number, read_number, repeating_decimal
from evalkit.maths.quantities import as_unit
from evalkit.maths.tokens import Kind, Token, UnreadableError
from evalkit.maths.tree import Call, Name, Node, Numeral, Sequence, number
from evalkit.maths.vocabulary import FUNCTION_LETTERS


class SymbolParser(FunctionParser):
    def number_from(self, token: Token) -> Node:
        if self.is_sign("_"):
            return self._numeral(token)
        if self.is_command("overline", "bar", "dot") and "." in token.text:
            self.take()
            return repeating_decimal(token.text, self.raw_group())
        value = read_number(token.text)
        if self.is_command("frac") and value.digits is None:
            self.take()
            return mixed_number(value, as_unit(self.fraction()))
        return value

    def _numeral(self, token: Token) -> Node:
        self.take()
        base = self.raw_group()
        if not (base.isdecimal() and 2 <= int(base[:3]) <= 36 and token.text.isdecimal()):
            raise UnreadableError(f"the base {base!r}")
        return Numeral(token.text, int(base))

    def name_from(self, letter: str) -> Node:
        """A letter with subscripts and primes, in any order with its exponent."""
        name = letter
        while True:
            if self.is_sign("_"):
                self.take()
                name += "_" + self.raw_group()
            elif self.is_sign("'"):
                self.take()
                name += "'"
            else:
                break
        is_function = letter in FUNCTION_LETTERS or (letter.isupper() and self.number_follows())
        if is_function and (application := self._application(name)):
            return application
        if self.is_sign("^") and self.subscript_follows():
            return self._name_raised_first(name)
        return constant(name) or Name(name)

    def _application(self, name: str) -> Node | None:
        """`f(x)`, `f'(x)`, `f^{-1}(x)`, `I(0)`; None for a letter without arguments."""
        if self.skip_inverse():
            name += "^{-1}"
        if not self.is_sign("("):
            return None
        self.take()
        arguments = self.bracket("(")
        if isinstance(arguments, Sequence) and arguments.brackets == "()":
            return Call("apply", (Name(name), *arguments.items))
        return Call("apply", (Name(name), arguments))

    def _name_raised_first(self, name: str) -> Node:
        """`v^2_0`: the subscript belongs to the name all the same."""
        self.take()
        with self.deeper():
            is_digits = self.token.kind is Kind.NUMBER
            exponent = read_number(self.take().text) if is_digits else self.exponent()
        self.take()
        return Call("^", (Name(f"{name}_{self.raw_group()}"), exponent))

    def fraction(self) -> Call:
        with self.deeper():
            over = number(int(self.take_digit())) if self._at_digits() else self.atom()
            under = number(int(self.take_digit())) if self._at_digits() else self.atom()
        return Call("/", (over, under))

    def _at_digits(self) -> bool:
        return self.token.kind is Kind.NUMBER and self.token.text.isdecimal()
