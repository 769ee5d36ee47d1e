"""Arithmetic of matrices, written out entry by entry."""

from collections.abc import Callable
from functools import reduce

from evalkit.maths.evaluate import is_numeric
from evalkit.maths.tree import Call, Matrix, Name, Node, Sequence

_TRANSPOSED = frozenset((Name("T"), Name("top")))


def written_out(node: Node) -> Node:
    """Sums, products, multiples and transposes of matrices as one; other nodes as they are.

    Products that do not fit stay as they are.
    """
    match node:
        case Call("neg", (inner,)) if isinstance(matrix := written_out(inner), Matrix):
            return _each(matrix, lambda cell: Call("neg", (cell,)))
        case Call("^", (inner, exponent)) if exponent in _TRANSPOSED:
            return _transposed(written_out(inner))
        case Call("+" | "-" | "*" | "/" as operator, (left, right)):
            return _combined(operator, written_out(left), written_out(right)) or node
        case _:
            return node


def _combined(operator: str, left: Node, right: Node) -> Matrix | None:
    match operator, left, right:
        case ("+" | "-", Matrix(), Matrix()) if _shape(left) == _shape(right):
            return _entrywise(operator, left, right)
        case ("*", Matrix(), Matrix()) if _shape(left)[1] == _shape(right)[0]:
            return _product(left, right)
        case ("*", _, Matrix()) if is_numeric(left):
            return _each(right, lambda cell: Call("*", (left, cell)))
        case ("*" | "/", Matrix(), _) if is_numeric(right):
            return _each(left, lambda cell: Call(operator, (cell, right)))
        case _:
            return None


def _shape(matrix: Matrix) -> tuple[int, int]:
    return len(matrix.rows), len(matrix.rows[0])


def _each(matrix: Matrix, change: Callable[[Node], Node]) -> Matrix:
    return Matrix(tuple(tuple(map(change, row)) for row in matrix.rows))


def _entrywise(operator: str, left: Matrix, right: Matrix) -> Matrix:
    return Matrix(
        tuple(
            tuple(Call(operator, pair) for pair in zip(*rows, strict=True))
            for rows in zip(left.rows, right.rows, strict=True)
        )
    )


def _product(left: Matrix, right: Matrix) -> Matrix:
    columns = tuple(zip(*right.rows, strict=True))
    return Matrix(tuple(tuple(_dot(row, column) for column in columns) for row in left.rows))


def _dot(row: tuple[Node, ...], column: tuple[Node, ...]) -> Node:
    products = [Call("*", pair) for pair in zip(row, column, strict=True)]
    return reduce(lambda total, one: Call("+", (total, one)), products)


def _transposed(node: Node) -> Node:
    """A tuple is a vector either way."""
    if isinstance(node, Matrix):
        return Matrix(tuple(zip(*node.rows, strict=True)))
    return node if isinstance(node, Sequence) else Call("^", (node, Name("T")))
