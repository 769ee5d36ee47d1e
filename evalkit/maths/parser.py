"""Reads an answer into a tree: a guarded recursive descent, linear in the number of tokens.

From loose to tight: lists of lists (`and`, `or`, `;`, `\\quad`), lists (`,`), relations, ratios (`:`), unions,
sums, products (also without a sign), signs, powers and postfix signs, atoms. Nothing is evaluated.
"""

from evalkit.maths.atoms import AtomParser
from evalkit.maths.quantities import as_unit
from evalkit.maths.tokens import Kind, UnreadableError, tokenize
from evalkit.maths.tree import Call, Node, Relation, Sequence, depth_of

_MAX_HEIGHT = 150  # everything that walks a tree is recursive
_RELATION_SIGNS = {"=": "=", "<": "<", ">": ">", "le": "le", "ge": "ge", "ne": "ne"}
_RELATION_COMMANDS = {
    **{"le": "le", "leq": "le", "leqslant": "le", "leqq": "le", "lt": "<"},
    **{"ge": "ge", "geq": "ge", "geqslant": "ge", "geqq": "ge", "gt": ">"},
    **{"ne": "ne", "neq": "ne", "in": "in", "notin": "notin", "equiv": "equiv", "coloneqq": "="},
    **{"approx": "approx", "simeq": "approx", "sim": "approx", "doteq": "approx"},
}
_SET_OPERATORS = {"cup": "union", "cap": "intersection", "setminus": "minus", "backslash": "minus"}


def parse(text: str) -> Node:
    """The tree of a text in one spelling. Raises UnreadableError where it is not a formula."""
    parser = _Parser(tokenize(text))
    node = parser.lists()
    if parser.token.kind is not Kind.END:
        raise UnreadableError(f"{parser.token.text!r} where nothing should follow")
    if depth_of(node) > _MAX_HEIGHT:
        raise UnreadableError(f"guard: a tree of more than {_MAX_HEIGHT} levels")
    return node


class _Parser(AtomParser):
    def lists(self) -> Node:
        """A list of lists; its bracket names how they are joined."""
        joined = ""
        parts: list[Node] = []
        while not self._at_end_of_list():
            if self._at_separator():
                joined = self._skip_separators() or joined
                continue
            parts.append(self._list())
            if not self._at_separator():
                break
        if not parts:
            raise UnreadableError("nothing between the marks")
        if len(parts) == 1:
            return parts[0]
        return Sequence(joined or ";", tuple(parts))

    def _at_separator(self) -> bool:
        return self.token.kind is Kind.SEPARATOR or self.is_sign(";", "\\\\")

    def _skip_separators(self) -> str:
        """Returns the connective among them, "" where there is none."""
        found = ""
        while self._at_separator() or self.is_sign(","):
            token = self.take()
            found = token.text if token.text in ("and", "or") else found
        return found

    def _at_end_of_list(self) -> bool:
        return self.token.kind is Kind.END or self.is_sign(")", "]", "\\}", "}", "&")

    def _list(self) -> Node:
        items = [self.relation()]
        while self.is_sign(","):
            self.take()
            if self._at_separator() or self._at_end_of_list():
                break
            items.append(self.relation())
        return items[0] if len(items) == 1 else Sequence("", tuple(items))

    def relation(self) -> Node:
        self.skip_sign("=")
        sides, operators = [self._ratio()], []
        while operator := self._relation_operator():
            if self._at_separator() or self._at_end_of_list():
                raise UnreadableError("a relation without its right side")
            operators.append(operator)
            sides.append(self._ratio())
        if not operators:
            return sides[0]
        return Relation(tuple(operators), tuple(sides))

    def _relation_operator(self) -> str | None:
        token = self.token
        table = {Kind.SIGN: _RELATION_SIGNS, Kind.COMMAND: _RELATION_COMMANDS}.get(token.kind, {})
        if token.text not in table:
            return None
        self.take()
        if table[token.text] in ("<", ">") and self.is_sign("="):
            self.take()
            return {"<": "le", ">": "ge"}[table[token.text]]
        return table[token.text]

    def _ratio(self) -> Node:
        parts = [self._union()]
        while ":" not in self.closers and (self.is_sign(":") or self.is_command("colon")):
            self.take()
            parts.append(self._union())
        return parts[0] if len(parts) == 1 else Call("ratio", tuple(parts))

    def _union(self) -> Node:
        node = self.sum()
        while self.token.kind is Kind.COMMAND and self.token.text in _SET_OPERATORS:
            operator = _SET_OPERATORS[self.take().text]
            node = Call(operator, (node, self.sum()))
        return node

    def sum(self) -> Node:
        with self.deeper():
            node = self._product()
            while operator := self._sum_operator():
                self.take()
                node = Call(operator, (node, self._product()))
            return node

    def _sum_operator(self) -> str | None:
        if self.is_sign("+", "-"):
            return self.token.text
        return self.token.text if self.is_command("pm", "mp") else None

    def _product(self) -> Node:
        node = self._signed()
        while True:
            if self.is_sign("*") or self.is_command("cdot", "times", "ast", "bullet"):
                self.take()
                node = Call("*", (node, as_unit(self._signed())))
            elif self.is_sign("/") or self.is_command("div"):
                self.take()
                node = Call("/", (node, as_unit(self._signed())))
            elif self.is_command("bmod", "mod", "pmod"):
                self.take()
                node = Call("mod", (node, self._signed()))
            elif self.begins_factor():
                node = Call("*", (node, as_unit(self.power())))
            else:
                return node

    def _signed(self) -> Node:
        if self.is_sign("-", "+") or self.is_command("pm", "mp"):
            operator = self.take().text
            with self.deeper():
                operand = self._signed()
            return operand if operator == "+" else Call(_SIGN_OPERATORS[operator], (operand,))
        return self.power()

    def argument(self) -> Node:
        """What a function without brackets applies to: factors up to the next sign or function."""
        node = self._signed()
        while self.begins_factor() and self.token.kind not in (Kind.FUNCTION, Kind.WORDS):
            node = Call("*", (node, self.power()))
        return node


_SIGN_OPERATORS = {"-": "neg", "pm": "pm", "mp": "mp"}
