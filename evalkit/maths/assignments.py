"""Several names with their values: `(x, y) = (1, 2)` and `x = 1, y = 2`."""

from evalkit.maths.brackets import is_list
from evalkit.maths.labels import is_name
from evalkit.maths.tree import Name, Node, Relation, Sequence


def assigned(node: Node) -> dict[Node, Node]:
    """The value of each name; empty where the node does not name several things."""
    match node:
        case Relation(("=",), (Sequence("()", names), Sequence("()", values))):
            pairs = list(zip(names, values, strict=False)) if len(names) == len(values) else []
        case Sequence(_, items) if is_list(node) and len(items) > 1:
            pairs = [sides for item in items if (sides := _sides(item))]
            pairs = pairs if len(pairs) == len(items) else []
        case _:
            return {}
    found = {name: value for name, value in pairs if is_name(name)}
    return found if len(found) == len(pairs) else {}


def in_order(node: Node) -> Sequence:
    """The values as a tuple: in the order of the variables, or as `(y, x) = …` names them."""
    values = assigned(node)
    variables = [name for name in values if isinstance(name, Name)]
    if isinstance(node, Relation) or len(variables) < len(values):
        return as_written(node)
    ordered = sorted(variables, key=lambda variable: variable.name)
    return Sequence("()", tuple(values[variable] for variable in ordered))


def as_written(node: Node) -> Sequence:
    """The values as a tuple, in the order in which they are written."""
    return Sequence("()", tuple(assigned(node).values()))


def _sides(node: Node) -> tuple[Node, Node] | None:
    match node:
        case Relation(("=",), (name, value)):
            return name, value
        case _:
            return None
