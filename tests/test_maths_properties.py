"""What holds for the equality of all answers: order, symmetry, spelling, and small changes."""

from fractions import Fraction
from pathlib import Path

from formula_styles import STYLES, Style, latex
from formulas import (
    VARIABLES,
    Formula,
    are_identical,
    formulas,
    leaf_changes,
    turned,
    value,
    values_differ,
    with_functions,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evalkit.maths.compare import compare
from evalkit.maths.evaluate import Evaluator
from evalkit.maths.parser import parse
from evalkit.maths.spelling import one_spelling
from evalkit.maths.tokens import UnreadableError

often = settings(max_examples=120, deadline=None, derandomize=True)
styles = st.sampled_from(STYLES)
POINT = {"x": Fraction(3, 7), "y": Fraction(-5, 2), "t": Fraction(11)}

# Numbers of two digits at most: a comma before three digits might separate thousands.
numbers = st.one_of(
    st.integers(-99, 99).map(str),
    st.builds(
        lambda over, under: rf"\frac{{{over}}}{{{under}}}", st.integers(-9, 9), st.integers(2, 9)
    ),
    st.builds(lambda root: rf"\sqrt{{{root}}}", st.sampled_from((2, 3, 5, 6, 7))),
)
PIECES = Path(__file__).with_name("cases").joinpath("maths_pieces.txt").read_text("utf-8").split()
soup = st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)


def identical(left: Formula, right: Formula) -> bool:
    try:
        return are_identical(left, right)
    except ZeroDivisionError:
        assume(False)
        raise


def same_both_ways(left: str, right: str) -> bool:
    """The verdict, which must not depend on the order."""
    verdicts = compare(left, right).equal, compare(right, left).equal
    assert verdicts[0] is verdicts[1]
    return bool(verdicts[0])


@often
@given(formula=formulas(VARIABLES), style=styles)
def test_the_parsed_tree_has_the_value_of_the_formula(formula: Formula, style: Style) -> None:
    """Fractions compute the same as the tree that was read from the formula's LaTeX."""
    try:
        expected = value(formula, POINT)
    except ZeroDivisionError:
        assume(False)

    node = parse(one_spelling(latex(formula, style)))

    assert Evaluator(POINT, digits=30).value(node) == expected


@often
@given(formula=formulas(VARIABLES), style=styles, other=styles)
def test_spelling_and_order_do_not_matter(formula: Formula, style: Style, other: Style) -> None:
    """Fractions, signs of multiplication, brackets and spaces, and the order of sums and products."""
    assume(identical(formula, formula))

    assert same_both_ways(latex(formula, style), latex(turned(formula), other))


@often
@given(formula=with_functions(), style=styles, other=styles)
def test_spelling_and_order_do_not_matter_with_functions(
    formula: Formula, style: Style, other: Style
) -> None:
    """As above, for what has no exact values."""
    assume(values_differ(formula, formula) is False)

    assert same_both_ways(latex(formula, style), latex(turned(formula), other))


@often
@given(formula=formulas(VARIABLES), style=styles, data=st.data())
def test_a_changed_leaf_changes_the_formula(
    formula: Formula, style: Style, data: st.DataObject
) -> None:
    """A number one higher or a variable exchanged is another formula, unless it cancels out."""
    changed = data.draw(st.sampled_from(leaf_changes(formula)))
    expected = identical(formula, changed)

    assert same_both_ways(latex(formula), latex(changed, style)) is expected


@often
@given(formula=with_functions(), style=styles, data=st.data())
def test_a_changed_leaf_changes_the_formula_with_functions(
    formula: Formula, style: Style, data: st.DataObject
) -> None:
    """As above, where floats show that the values are others."""
    changed = data.draw(st.sampled_from(leaf_changes(formula)))
    assume(values_differ(formula, changed))

    assert not same_both_ways(latex(formula), latex(changed, style))


@often
@given(formula=formulas(VARIABLES), style=styles)
def test_another_sign_is_another_formula(formula: Formula, style: Style) -> None:
    """Only what is zero everywhere equals its negative."""
    negative = Formula("neg", operands=(formula,))
    expected = identical(formula, negative)

    assert same_both_ways(latex(formula), latex(negative, style)) is expected


@often
@given(left=formulas(max_leaves=5), right=formulas(max_leaves=5))
def test_constants_are_equal_where_fractions_are(left: Formula, right: Formula) -> None:
    """Two formulas without variables are equal exactly where their values are."""
    try:
        expected = value(left, {}) == value(right, {})
    except ZeroDivisionError:
        assume(False)

    assert same_both_ways(latex(left), latex(right)) is expected


@often
@given(left=formulas(VARIABLES, 4), right=formulas(VARIABLES, 4))
def test_formulas_are_equal_where_they_are_identical(left: Formula, right: Formula) -> None:
    """Two formulas with variables are equal exactly where they have the same values everywhere."""
    expected = identical(left, right)

    assert same_both_ways(latex(left), latex(right)) is expected


@often
@given(items=st.lists(numbers, min_size=2, max_size=5, unique=True), data=st.data())
def test_sets_have_no_order(items: list[str], data: st.DataObject) -> None:
    """In braces, bare, or with a connective, in any order; one item less is another set."""
    shuffled = data.draw(st.permutations(items))
    braces = rf"\{{{', '.join(items)}\}}"

    assert same_both_ways(braces, rf"\left\{{ {' , '.join(shuffled)} \right\}}")
    assert same_both_ways(braces, rf"{', '.join(shuffled[:-1])} \text{{ and }} {shuffled[-1]}")
    assert not same_both_ways(braces, rf"\{{{', '.join(shuffled[1:])}\}}")
    assert not same_both_ways(braces, rf"\{{{', '.join([*shuffled, '100'])}\}}")
    assert not same_both_ways(braces, rf"\{{{', '.join([*shuffled[1:], '100'])}\}}")


@often
@given(items=st.lists(numbers, min_size=2, max_size=5), index=st.integers(0, 4))
def test_tuples_have_an_order(items: list[str], index: int) -> None:
    """An item exchanged, left out or added makes another tuple."""
    index %= len(items)
    text = f"({', '.join(items)})"

    assert same_both_ways(text, rf"\left( {' , '.join(items)} \right)")
    assert not same_both_ways(text, f"({', '.join([*items[:index], '100', *items[index + 1 :]])})")
    assert not same_both_ways(text, f"({', '.join(items)}, 100)")


@often
@given(items=st.lists(st.integers(-99, 99), min_size=2, max_size=5), data=st.data())
def test_tuples_in_another_order_are_others(items: list[int], data: st.DataObject) -> None:
    """They are equal only where the items happen to be."""
    shuffled = data.draw(st.permutations(items))

    assert same_both_ways(str(tuple(items)), str(tuple(shuffled))) is (items == shuffled)


@often
@given(
    ends=st.tuples(st.integers(-99, 99), st.integers(1, 50)),
    brackets=st.tuples(st.sampled_from("(["), st.sampled_from(")]")),
)
def test_intervals_are_inequalities(ends: tuple[int, int], brackets: tuple[str, str]) -> None:
    """An interval equals its chain of inequalities, and no other with a bracket or an end changed."""
    low, high = ends[0], ends[0] + ends[1]
    below, above = ("<" if one in "()" else r"\le" for one in brackets)
    text = f"{brackets[0]}{low}, {high}{brackets[1]}"
    chain = rf"{low} {below} x {above} {high}"
    swapped = {"(": "[", "[": "(", ")": "]", "]": ")"}

    assert same_both_ways(text, chain)
    assert same_both_ways(rf"x \in {text}", chain)
    assert not same_both_ways(f"{swapped[brackets[0]]}{low}, {high}{brackets[1]}", chain)
    assert not same_both_ways(f"{brackets[0]}{low}, {high}{swapped[brackets[1]]}", chain)
    assert not same_both_ways(f"{brackets[0]}{low}, {high + 1}{brackets[1]}", chain)
    assert not same_both_ways(f"{brackets[0]}{low - 1}, {high}{brackets[1]}", chain)


@often
@given(cells=st.lists(numbers, min_size=4, max_size=4), index=st.integers(0, 3))
def test_matrices_are_equal_cell_by_cell(cells: list[str], index: int) -> None:
    """The brackets do not matter; each cell does."""
    text = r"\begin{pmatrix}%s&%s\\%s&%s\end{pmatrix}"
    changed = [*cells[:index], "100", *cells[index + 1 :]]

    assert same_both_ways(text % tuple(cells), text.replace("pm", "bm") % tuple(cells))
    assert not same_both_ways(text % tuple(cells), text % tuple(changed))


@often
@given(text=st.one_of(soup, st.text(max_size=60)), other=st.one_of(soup, st.text(max_size=20)))
def test_any_text_is_read_or_refused(text: str, other: str) -> None:
    """The parser raises nothing but UnreadableError."""
    for one in (text, other, text + other):
        try:
            parse(one_spelling(one))
        except UnreadableError:
            continue


@often
@given(text=st.one_of(soup, st.text(max_size=60)))
def test_any_text_equals_itself_and_not_a_number_that_it_lacks(text: str) -> None:
    """73 is not found in pieces that have no 7 and no 3, whatever they mean."""
    assert compare(text, text).equal
    if not set(text) & set("3789६७"):
        assert not compare("73.9", text).equal
