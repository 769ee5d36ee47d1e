"""Lists, sets and tuples as sequences of items, however they are written."""

from evalkit.maths.brackets import LISTS
from evalkit.maths.substitution import has_sign_choice, with_sign
from evalkit.maths.tree import Matrix, Name, Node, Relation, Sequence, Words

UNORDERED = LISTS | {"{}"}


def has_order(left: str, right: str) -> bool:
    """Whether the items of two brackets are compared one by one: a tuple may lack its brackets."""
    if left == right:
        return left not in UNORDERED
    return "()" in (left, right) and not LISTS.isdisjoint((left, right))


def spread(node: Node) -> Node:
    """With plus-minus signs as lists of two values, and a lone letter as a variable."""
    if isinstance(node, Words) and len(node.text) == 1:
        return Name(node.text)
    if has_sign_choice(node):
        return Sequence("", (with_sign(node, is_plus=True), with_sign(node, is_plus=False)))
    if isinstance(node, Sequence) and node.brackets in UNORDERED:
        items: list[Node] = []
        for item in node.items:
            once = spread(item)
            items += once.items if has_sign_choice(item) and isinstance(once, Sequence) else (once,)
        return Sequence(node.brackets, tuple(items))
    return node


def is_tuple(node: Node) -> bool:
    return isinstance(node, Sequence) and node.brackets == "()"


def as_tuple(node: Node) -> Node:
    """A row or a column of numbers is a vector, as a tuple is."""
    if isinstance(node, Matrix):
        if len(node.rows) == 1:
            return Sequence("()", node.rows[0])
        if len(node.rows[0]) == 1:
            return Sequence("()", tuple(row[0] for row in node.rows))
    return node


def as_matrix(node: Node) -> Matrix | None:
    """A matrix, also as a list of rows: `[[1, 2], [3, 4]]`."""
    if isinstance(node, Matrix):
        return node
    rows = [item.items for item in items_of(node) if isinstance(item, Sequence)]
    is_table = len(rows) == len(items_of(node)) > 0 and len({len(row) for row in rows}) == 1
    return Matrix(tuple(rows)) if is_table and isinstance(node, Sequence) else None


def is_inequality(node: Node) -> bool:
    return isinstance(node, Relation) and not {"=", "approx", "in"}.intersection(node.operators)


def items_of(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else (node,)


def brackets_of(node: Node) -> str:
    return node.brackets if isinstance(node, Sequence) else ""


def flattened(node: Node) -> tuple[Node, ...]:
    """The items of lists within a list."""
    found: list[Node] = []
    for item in items_of(node):
        found += item.items if isinstance(item, Sequence) and item.brackets in LISTS else (item,)
    return tuple(found)
