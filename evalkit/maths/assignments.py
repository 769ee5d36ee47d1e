"""Several variables with their values: `(x, y) = (1, 2)` and `x = 1, y = 2`."""

from evalkit.maths.brackets import is_list
from evalkit.maths.tree import Name, Node, Relation, Sequence


def assigned(node: Node) -> dict[str, Node]:
    """The value of each variable; empty where the node does not name several variables."""
    match node:
        case Relation(("=",), (Sequence("()", names), Sequence("()", values))):
            pairs = list(zip(names, values, strict=False)) if len(names) == len(values) else []
        case Sequence(_, items) if is_list(node) and len(items) > 1:
            pairs = [sides for item in items if (sides := _sides(item))]
            pairs = pairs if len(pairs) == len(items) else []
        case _:
            return {}
    found = {name.name: value for name, value in pairs if isinstance(name, Name)}
    return found if len(found) == len(pairs) else {}


def in_order(node: Node) -> Sequence:
    """The values as a tuple: in the order of the names, or as `(y, x) = …` names them."""
    values = assigned(node)
    names = values if isinstance(node, Relation) else sorted(values)
    return Sequence("()", tuple(values[name] for name in names))


def _sides(node: Node) -> tuple[Node, Node] | None:
    match node:
        case Relation(("=",), (name, value)):
            return name, value
        case _:
            return None
