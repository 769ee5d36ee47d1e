"""Whether two parsed answers are the same, by what they are: sets, tuples, relations, values."""

from dataclasses import dataclass

from evalkit.maths.assignments import as_written, assigned, in_order
from evalkit.maths.brackets import LISTS, is_list
from evalkit.maths.intervals import intervals_of, is_plainly_a_set, same_intervals
from evalkit.maths.labels import name_of, same_name, value_of
from evalkit.maths.matrices import written_out
from evalkit.maths.regions import simplified
from evalkit.maths.relations import same_relation
from evalkit.maths.scalars import EXACT, Tolerance, same_scalar
from evalkit.maths.sequences import (
    UNORDERED,
    as_matrix,
    as_tuple,
    brackets_of,
    flattened,
    has_order,
    is_inequality,
    is_tuple,
    items_of,
    spread,
)
from evalkit.maths.tree import Matrix, Node, Relation, Sequence, names_in, size_of

_MAX_ITEMS = 60
_MAX_WORK = 20_000  # nodes that are compared while looking for partners


@dataclass(frozen=True, slots=True)
class Equality:
    """Compares answers, with a tolerance where values are compared."""

    tolerance: Tolerance = EXACT

    def same(self, gold: Node, answer: Node) -> bool:
        gold, answer = spread(written_out(gold)), spread(written_out(answer))
        if gold == answer:
            return True
        variables = assigned(gold), assigned(answer)
        if variables[0] and variables[1]:
            return self._same_assignments(*variables)
        if variables[0] and is_tuple(answer):
            return self.same(in_order(gold), answer)
        if variables[1] and is_tuple(gold):
            return self.same(gold, in_order(answer))
        if variables[0] and is_list(answer):
            return self.same(as_written(gold), Sequence("()", answer.items))
        if isinstance(gold, Relation) and isinstance(answer, Relation):
            return self._same_relations(gold, answer)
        bare_gold, bare_answer = value_of(gold, is_gold=True), value_of(answer)
        if bare_gold is not gold or bare_answer is not answer:
            return self.same(bare_gold, bare_answer)
        return self._same_values(gold, answer)

    def _same_relations(self, gold: Relation, answer: Relation) -> bool:
        if same_relation(gold, answer):
            return True
        if is_inequality(gold) and names_in(gold) != names_in(answer):
            return False
        left, right = value_of(gold, is_gold=True), value_of(answer)
        if left is not gold and right is not answer:
            return same_name(name_of(gold), name_of(answer)) and self.same(left, right)
        return self._same_sets(gold, answer)

    def _same_assignments(self, gold: dict[Node, Node], answer: dict[Node, Node]) -> bool:
        return gold.keys() == answer.keys() and all(
            self.same(value, answer[name]) for name, value in gold.items()
        )

    def _same_values(self, gold: Node, answer: Node) -> bool:
        is_set = is_plainly_a_set(gold) or is_plainly_a_set(answer)
        if is_set and self._same_sets(gold, answer):
            return True
        matrices = as_matrix(gold), as_matrix(answer)
        if matrices[0] and matrices[1] and (isinstance(gold, Matrix) or isinstance(answer, Matrix)):
            return self._same_matrices(matrices[0], matrices[1])
        if isinstance(gold, Sequence) or isinstance(answer, Sequence):
            return self._same_sequences(gold, answer)
        if isinstance(gold, Relation) or isinstance(answer, Relation):
            return False
        return same_scalar(gold, answer, self.tolerance)

    def _same_sets(self, gold: Node, answer: Node) -> bool:
        sets = simplified(intervals_of(gold)), simplified(intervals_of(answer))
        if sets[0] is None or sets[1] is None:
            return False
        return same_intervals(sets[0], sets[1], self._same_end)

    def _same_end(self, gold: Node, answer: Node) -> bool:
        return same_scalar(gold, answer, self.tolerance)

    def _same_sequences(self, gold: Node, answer: Node) -> bool:
        vectors = as_tuple(gold), as_tuple(answer)
        left, right = items_of(vectors[0]), items_of(vectors[1])
        if max(len(left), len(right)) > _MAX_ITEMS:
            return False
        brackets = brackets_of(vectors[0]), brackets_of(vectors[1])
        is_mixed = (brackets[0] == "or") != (brackets[1] == "or")
        if is_mixed and all(map(is_inequality, left + right)):
            return False
        if self._same_items(left, right, *brackets):
            return True
        flat = flattened(vectors[0]), flattened(vectors[1])
        if flat != (left, right) and self._same_items(*flat, *brackets):
            return True
        return (
            len(left) == 1 < len(right) and brackets[1] in LISTS and self._all_same(left[0], right)
        )

    def _all_same(self, gold: Node, items: tuple[Node, ...]) -> bool:
        """Whether one value is stated in several ways; several variables are several values."""
        return not any(isinstance(item, Relation) for item in items) and all(
            self.same(gold, item) for item in items
        )

    def _same_items(
        self, gold: tuple[Node, ...], answer: tuple[Node, ...], left: str, right: str
    ) -> bool:
        if len(gold) != len(answer):
            return False
        if has_order(left, right):
            return all(map(self.same, gold, answer))
        if {left, right} <= UNORDERED:
            return self._match(gold, answer)
        return len(gold) == 1 and self.same(gold[0], answer[0])

    def _match(self, gold: tuple[Node, ...], answer: tuple[Node, ...]) -> bool:
        """Each of one with another of the other, in any order."""
        in_order = [self.same(*pair) for pair in zip(gold, answer, strict=True)]
        if all(in_order):
            return True
        if len(gold) * sum(map(size_of, gold + answer)) > _MAX_WORK:
            return False
        waiting = dict(enumerate(answer))
        for index, one in enumerate(gold):
            found = next(
                (
                    place
                    for place, other in waiting.items()
                    if (in_order[index] if place == index else self.same(one, other))
                ),
                None,
            )
            if found is None:
                return False
            del waiting[found]
        return True

    def _same_matrices(self, gold: Matrix, answer: Matrix) -> bool:
        return (len(gold.rows), len(gold.rows[0])) == (
            len(answer.rows),
            len(answer.rows[0]),
        ) and all(
            self.same(left, right)
            for rows in zip(gold.rows, answer.rows, strict=True)
            for left, right in zip(*rows, strict=True)
        )
