"""What stands between two marks: groups, tuples, intervals, sets, fences and matrices."""

from collections.abc import Iterator
from typing import TypeGuard

from evalkit.maths.stream import TokenStream
from evalkit.maths.tokens import Kind, UnreadableError
from evalkit.maths.tree import Call, Matrix, Node, Sequence

BRACKETS = frozenset(("(", "[", "\\{", "{", "lbrace", "langle", "lbrack"))
LISTS = frozenset(("", ";", "and", "or"))
"""The brackets of items that have none, by what joins them."""

OPENING_SIGNS = frozenset(("(", "[", "{", "\\{"))
FENCES = {
    **{"lfloor": ("rfloor", "floor"), "lceil": ("rceil", "ceil"), "lvert": ("rvert", "abs")},
    **{"lVert": ("rVert", "abs"), "Vert": ("Vert", "abs"), "vert": ("vert", "abs")},
}
_SETS = frozenset(("\\{", "lbrace"))
_PLAIN = {"langle": "(", "lbrack": "[", "lbrace": "{", "\\{": "{"}
_CLOSING = {
    **{")": ")", "]": "]", "\\}": "}", "}": "}", "rbrace": "}", "rangle": ")", "rbrack": "]"},
}
_MATRICES = frozenset(
    ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "array", "smallmatrix")
)
_LISTS = frozenset(("cases", "aligned", "align", "gathered", "split"))


def _tuple(items: tuple[Node, ...]) -> Node:
    return Sequence("()", items)


def is_list(node: Node) -> TypeGuard[Sequence]:
    """Whether items stand side by side without brackets."""
    return isinstance(node, Sequence) and node.brackets in LISTS


class BracketParser(TokenStream):
    """It calls back for what stands between the marks."""

    def lists(self) -> Node:
        raise NotImplementedError

    def relation(self) -> Node:
        raise NotImplementedError

    def sum(self) -> Node:
        raise NotImplementedError

    def fenced(self, closing: str, function: str) -> Node:
        with self.deeper("|"):
            node = self.sum()
        self.expect(closing)
        return Call(function, (node,))

    def bracket(self, opening: str) -> Node:
        """A group, tuple, interval or set; the brackets need not be a pair."""
        with self.deeper("|:" if opening in _SETS else ""):
            if self._is_closing():
                self.take()
                return Sequence("{}" if opening in _SETS else "()", ())
            inside = self.lists()
        if self.is_sign("|", ":") or self.is_command("mid"):
            return self._set_builder(inside)
        if not self._is_closing():
            raise UnreadableError(f"{opening} without its closing bracket")
        pair = _PLAIN.get(opening, opening) + _CLOSING[self.take().text]
        items = inside.items if is_list(inside) else (inside,)
        if len(items) == 1 and (pair == "()" or opening == "{"):
            return inside
        return Sequence(pair, items)

    def _set_builder(self, item: Node) -> Node:
        self.take()
        condition = self.lists()
        self.expect("\\}", "}", "rbrace")
        return Call("such", (item, condition))

    def environment(self) -> Node:
        name = self.raw_group()
        if name not in _MATRICES | _LISTS:
            return self.refuse(name)
        if name == "array" and self.is_sign("{"):
            self.raw_group()
        rows = [tuple(self._row())]
        while self.is_sign("\\\\"):
            self.take()
            if not self.is_command("end"):
                rows.append(tuple(self._row()))
        if not self.is_command("end"):
            return self.refuse(self.token.text)
        self.take()
        self.raw_group()
        if name in _LISTS:
            return Sequence(";", tuple(row[0] if len(row) == 1 else _tuple(row) for row in rows))
        if len({len(row) for row in rows}) != 1:
            raise UnreadableError("a matrix with rows of different lengths")
        matrix = Matrix(tuple(rows))
        return Call("det", (matrix,)) if name == "vmatrix" else matrix

    def _row(self) -> Iterator[Node]:
        with self.deeper():
            yield self.relation()
            while self.is_sign("&"):
                self.take()
                yield self.relation()

    def _is_closing(self) -> bool:
        return self.token.kind in (Kind.SIGN, Kind.COMMAND) and self.token.text in _CLOSING

    def raw_group(self) -> str:
        """The text of a subscript or another group that is not read as a formula."""
        if not self.is_sign("{"):
            return self.take_any().text
        depth = 0
        parts: list[str] = []
        while True:
            token = self.take_any()
            depth += (token.text == "{") - (token.text == "}")
            if depth == 0:
                return "".join(parts)
            parts.append("" if token.text in ("{", "}") else token.text)
