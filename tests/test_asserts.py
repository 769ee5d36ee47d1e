"""HumanEval and MBPP: which asserts become inputs and outputs, unchanged, and which are left out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.code_data.asserts import (
    NotLiteralError,
    check_function,
    head,
    signature,
    statements,
)
from evalkit.task import load_task
from evalkit.teststore import Case, Store
from evalkit.types import CodeTests, DataError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(VALUES, min_size=1, max_size=3), VALUES)
def test_values_come_through_json_unchanged(arguments: list[Any], expected: Any) -> None:
    """The program gets, and is compared with, what stands in the assert, to the type."""
    line = f"assert f({', '.join(map(repr, arguments))}) == {expected!r}"

    found = statements([line], "")

    (case,) = found.cases
    given_back = [json.loads(one) for one in case.input.split("\n")]
    assert repr((given_back, json.loads(case.output))) == repr((arguments, expected))


@pytest.mark.parametrize(
    ("line", "case"),
    [
        ("assert f(1) == 2", Case("1", "2")),
        ("assert f(1, 'a\\n') == [None, True], 'why'", Case('1\n"a\\n"', "[null, true]")),
        ("assert f(-1.5e3) == {'a': []}", Case("-1500.0", '{"a": []}')),
        ("assert f([]) == (1, 'x')", Case("[]", '[1, "x"]')),
        ("assert(f(1)==2)", Case("1", "2")),
    ],
)
def test_literal_asserts_become_tests(line: str, case: Case) -> None:
    """One argument a line; a tuple as the whole expected value is judged as a list."""
    found = statements([line], "")

    assert (found.fn_name, found.cases) == ("f", (case,))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("assert f((1, 2)) == 3", "argument with a tuple"),
        ("assert f([(1, 2)]) == 3", "argument with a tuple"),
        ("assert f({1}) == 3", "argument with a set"),
        ("assert f(1j) == 3", "argument with a complex"),
        ("assert f(b'') == 3", "argument with a bytes"),
        ("assert f({1: 2}) == 3", "argument with a key that is not text: 1"),
        ("assert f(1e999) == 3", "argument that is not finite"),
        ("assert f(1) == [(1, 2)]", "expected value with a tuple"),
        ("assert f(1) == (1, (2,))", "expected value with a tuple"),
        ("assert f(1) == {2}", "expected value with a set"),
        ("assert f(1) == 3 * 5", "not a literal: 3 * 5"),
        ("assert f(g(1)) == 3", "not a literal: g(1)"),
        ("assert f(*[1]) == 3", "not a literal: *[1]"),
        ("assert f(a=1) == 3", "no argument, or one by name: f(a=1) == 3"),
        ("assert f(1, a=1) == 3", "no argument, or one by name: f(1, a=1) == 3"),
        ("assert f() == 3", "no argument, or one by name: f() == 3"),
        ("assert f(1) != 3", "not of the form f(…) == …: f(1) != 3"),
        ("assert f(1) == 3 == 3", "not of the form f(…) == …: f(1) == 3 == 3"),
        ("assert f(1) is True", "not of the form f(…) == …"),
        ("assert m.f(1) == 3", "the asserts do not call one function by its name"),
        ("assert 3 == f(1)", "the asserts do not call one function by its name"),
        ("assert f(1)", "the asserts do not call one function by its name"),
        ("assert sorted(f(1)) == [1]", "not a literal: f(1)"),
        ("import os; assert f(1) == 3", "not an assert: import os"),
        ("assert f(1) == ", "not Python: invalid syntax"),
        ("assert f(\0) == 1", "not Python: "),
        ("assert f(" + "[" * 5000, "not Python: "),
    ],
    ids=lambda value: value[:40],
)
def test_other_asserts_are_left_out_with_the_reason(line: str, reason: str) -> None:
    """What JSON would change, what is no literal, and what is no such assert."""
    with pytest.raises(NotLiteralError) as error:
        statements([line], "")

    assert str(error.value).startswith(reason)


def test_all_asserts_are_about_one_function() -> None:
    """Two names, no assert, or code that sets up are left out."""
    for lines, setup in (
        (["assert f(1) == 1", "assert g(1) == 1"], ""),
        ([], ""),
        (["assert f(1) == 1"], "a = 1"),
    ):
        with pytest.raises(NotLiteralError):
            statements(lines, setup)


def test_tests_are_read_and_never_executed(tmp_path: Path) -> None:
    """Code in the data does nothing, wherever it stands."""
    made = tmp_path / "made"
    attack = f"__import__('os').mkdir({str(made)!r})"
    for line in (f"assert f({attack}) == 1", f"assert f(1) == {attack}", f"{attack}"):
        with pytest.raises(NotLiteralError):
            statements([line], "")
        with pytest.raises(NotLiteralError):
            check_function(f"{attack}\ndef check(candidate):\n    {line}\n", "f")
    assert not made.exists()


CHECK = """
METADATA = {{'author': 'a'}}

def check(candidate):
    # Simple cases
    assert candidate(1) == 2, "first"
    assert True, "this says nothing"
{more}
"""


def test_asserts_of_a_check_function_become_tests() -> None:
    """HumanEval's form; an assert of nothing but True is passed over."""
    found = check_function(CHECK.format(more="    assert candidate(2) == 3"), "f")

    assert (found.fn_name, found.cases) == ("f", (Case("1", "2"), Case("2", "3")))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("    for x in range(3):\n        assert candidate(x) == x", "not an assert: for x in"),
        ("    assert abs(candidate(1) - 2) < 1e-6", "not of the form f(…) == …: abs(candidate"),
        ("    assert other(1) == 2", "not of the form f(…) == …: other(1)"),
        ("    print(1)", "not an assert: print(1)"),
        ("def check(candidate):\n    pass", "there is no function check"),
    ],
)
def test_a_check_function_with_anything_else_is_left_out(more: str, reason: str) -> None:
    """One such statement is enough: without it a wrong program could pass."""
    with pytest.raises(NotLiteralError) as error:
        check_function(CHECK.format(more=more), "f")

    assert str(error.value).startswith(reason)


def test_starter_code_ends_before_the_doc_string() -> None:
    """Imports and helpers stay; of a solution only the head of the function is taken."""
    code = 'from x import y\n\n\ndef f(a: int,\n      b=1) -> int:\n    """Doc.\n    """\n'

    assert signature(code, "f") == "from x import y\n\n\ndef f(a: int,\n      b=1) -> int:"
    assert head("import z\ndef g(): pass\ndef f(a, b=[1], *c):\n  return 1", "f") == (
        "def f(a, b=[1], *c):"
    )
    for find in (signature, head):
        with pytest.raises(NotLiteralError, match="the code does not define h"):
            find(code, "h")


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "num_problems", "num_tests", "left_out"),
    [
        ("humaneval", 139, 970, {"HumanEval/32": "not an assert: import math"}),
        ("mbpp", 420, 1260, {"26": "argument with a tuple"}),
    ],
)
def test_real_sets_say_what_is_left_out(
    shared_data: Path, name: str, num_problems: int, num_tests: int, left_out: dict[str, str]
) -> None:
    """Every problem is either in the task or left out with its reason."""
    task, folder = load_task(name), shared_data / "code_extra"
    problems = task.problems(folder)

    assert len(problems) == num_problems == task.data.num_problems
    assert sum(one.target.num_tests for one in problems) == num_tests
    found = task.left_out(folder)
    assert left_out.items() <= found.items()
    assert len(found) + len(problems) == {"humaneval": 164, "mbpp": 500}[name]
    assert not set(found) & {one.id for one in problems}


@pytest.mark.data
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_reference_solutions_pass_the_converted_tests(shared_data: Path, name: str) -> None:
    """The data sets' own solutions, on the arguments as JSON gives them, for every test."""
    task, folder = load_task(name), shared_data / "code_extra"
    lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = {str(one["task_id"]): one for one in map(json.loads, lines)}

    failures = []
    for problem in task.problems(folder):
        target, row = problem.target, rows[problem.id]
        assert isinstance(target, CodeTests)
        space: dict[str, Any] = {"__name__": "solution"}
        exec(row["code"] if name == "mbpp" else row["prompt"] + row["canonical_solution"], space)
        with Store.open(Path(target.store)) as store:
            for case in store.cases(problem.id):
                value = space[target.fn_name](*map(json.loads, case.input.split("\n")))
                found = list(value) if isinstance(value, tuple) else value
                failures += [problem.id] * (found != json.loads(case.output))

    assert failures == []


@pytest.mark.data
def test_other_rows_are_refused(shared_data: Path, tmp_path: Path) -> None:
    """The rows of the data set are pinned before anything is converted."""
    text = (shared_data / "code_extra" / "humaneval.jsonl").read_text(encoding="utf-8")
    (tmp_path / "humaneval.jsonl").write_text(text.replace("== True", "== False", 1))

    with pytest.raises(DataError, match="expected rows with sha256"):
        load_task("humaneval").problems(tmp_path)
