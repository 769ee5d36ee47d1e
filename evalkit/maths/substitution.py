"""Trees with a part replaced."""

from collections.abc import Callable
from dataclasses import replace

from evalkit.maths.tree import Call, Matrix, Name, Node, Relation, Sequence


def mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with `change` applied to each child."""
    match node:
        case Call(_, args):
            return replace(node, args=tuple(map(change, args)))
        case Sequence(_, items):
            return replace(node, items=tuple(map(change, items)))
        case Relation(_, sides):
            return replace(node, sides=tuple(map(change, sides)))
        case Matrix(rows):
            return Matrix(tuple(tuple(map(change, row)) for row in rows))
        case _:
            return node


def substituted(node: Node, name: str, value: Node) -> Node:
    """With `value` in place of the variable."""
    if isinstance(node, Name):
        return value if node.name == name else node
    return mapped(node, lambda child: substituted(child, name, value))


def has_sign_choice(node: Node) -> bool:
    """Whether it holds a plus-minus sign outside of lists."""
    match node:
        case Call("pm" | "mp", _):
            return True
        case Call(_, args):
            return any(map(has_sign_choice, args))
        case Relation(_, sides):
            return any(map(has_sign_choice, sides))
        case _:
            return False


def with_sign(node: Node, *, is_plus: bool) -> Node:
    """With each plus-minus sign read as its upper or its lower half."""
    inner = mapped(node, lambda child: with_sign(child, is_plus=is_plus))
    match inner:
        case Call("pm" | "mp" as operator, args):
            is_minus = is_plus == (operator == "mp")
            if len(args) == 1:
                return Call("neg", args) if is_minus else args[0]
            return Call("-" if is_minus else "+", args)
        case _:
            return inner
