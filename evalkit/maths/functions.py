"""Functions with their arguments, exponents and bases: `\\sin^2 x`, `\\log_2 8`, `\\sqrt[3]{5}`."""

from evalkit.maths.brackets import BracketParser
from evalkit.maths.tree import Call, Node, Sequence, Words, number
from evalkit.maths.vocabulary import TRIGONOMETRIC

_MINUS_ONE = Call("neg", (number(1),))


class FunctionParser(BracketParser):
    def argument(self) -> Node:
        raise NotImplementedError

    def exponent(self) -> Node:
        raise NotImplementedError

    def atom(self) -> Node:
        raise NotImplementedError

    def function(self, name: str) -> Node:
        if name == "sqrt":
            return self._root()
        base, exponent = self._function_scripts()
        if name in ("max", "min") and not self.is_sign("(", "\\{", "{"):
            return Words(name)
        args = self._arguments()
        if name in TRIGONOMETRIC and isinstance(exponent, Call) and exponent == _MINUS_ONE:
            return Call("arc" + name, args)
        node = Call(name, (*args, base) if base is not None else args)
        return node if exponent is None else Call("^", (node, exponent))

    def _function_scripts(self) -> tuple[Node | None, Node | None]:
        base = exponent = None
        while self.is_sign("_", "^"):
            if self.take().text == "_":
                base = self.exponent()
            else:
                exponent = self.exponent()
        return base, exponent

    def _arguments(self) -> tuple[Node, ...]:
        with self.deeper():
            if not self.is_sign("(", "{", "[", "\\{"):
                return (self.argument(),)
            node = self.bracket(self.take().text)
        if isinstance(node, Sequence) and node.brackets in ("()", "[]", "{}"):
            return node.items
        return (node,)

    def _root(self) -> Node:
        degree: Node | None = None
        if self.is_sign("["):
            self.take()
            degree = self.sum()
            self.expect("]")
        with self.deeper():
            radicand = self.atom()
        if degree is None or degree == number(2):
            return Call("sqrt", (radicand,))
        return Call("root", (radicand, degree))
