"""Asserts `f(literals) == literal` of a data set as inputs and outputs; nothing is executed.

JSON has to carry both sides unchanged: no sets, no tuples among the arguments (a list behaves
otherwise), a tuple only as the whole expected value (judged as a list), no infinities, keys that
are text. A problem with any other assert is left out, with the reason.
"""

import ast
import json
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evalkit.hubtests import Case


class NotLiteralError(Exception):
    """An assert that is not `f(literals) == literal`; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Asserts:
    """The tests of one function. `cases` have one JSON value per line, as LiveCodeBench's."""

    fn_name: str
    cases: tuple[Case, ...]


def check_function(code: str, fn_name: str) -> Asserts:
    """HumanEval's form: asserts about `candidate` in the body of `check(candidate)`.

    `assert True` says nothing and is passed over.
    """
    bodies = [
        one.body for one in _parse(code) if isinstance(one, ast.FunctionDef) and one.name == "check"
    ]
    if len(bodies) != 1:
        raise NotLiteralError("there is no function check")
    cases = [_case(one, "candidate") for one in bodies[0] if not _says_nothing(one)]
    return _asserts(fn_name, cases)


def statements(lines: list[str], setup: str) -> Asserts:
    """MBPP's form: a list of assert statements about one function."""
    if setup.strip():
        raise NotLiteralError("the tests have code that sets them up")
    found = [statement for line in lines for statement in _parse(line)]
    names = {name for statement in found for name in _called(statement)}
    if len(names) != 1:
        raise NotLiteralError("the asserts do not call one function by its name")
    (name,) = names
    return _asserts(name, [_case(one, name) for one in found])


def signature(code: str, fn_name: str) -> str:
    """The lines of a module up to the body of the function, or its docstring."""
    for one in _parse(code):
        if isinstance(one, ast.FunctionDef) and one.name == fn_name:
            return "\n".join(code.splitlines()[: one.body[0].lineno - 1])
    raise NotLiteralError(f"the code does not define {fn_name}")


def head(code: str, fn_name: str) -> str:
    """`def f(a, b):` alone, from code that defines f."""
    for one in _parse(code):
        if isinstance(one, ast.FunctionDef) and one.name == fn_name:
            return f"def {fn_name}({ast.unparse(one.args)}):"
    raise NotLiteralError(f"the code does not define {fn_name}")


def _asserts(fn_name: str, cases: list[Case]) -> Asserts:
    if not cases:
        raise NotLiteralError("there is no assert")
    return Asserts(fn_name, tuple(cases))


def _parse(code: str) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in the data
            return ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NotLiteralError(f"not Python: {error}") from error


def _says_nothing(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Assert)
        and isinstance(statement.test, ast.Constant)
        and statement.test.value is True
    )


def _called(statement: ast.stmt) -> Iterator[str]:
    """The name of the function on the left side, where there is one."""
    if isinstance(statement, ast.Assert) and isinstance(statement.test, ast.Compare):
        left = statement.test.left
        if isinstance(left, ast.Call) and isinstance(left.func, ast.Name):
            yield left.func.id


def _case(statement: ast.stmt, name: str) -> Case:
    if not isinstance(statement, ast.Assert):
        raise NotLiteralError(f"not an assert: {_shown(statement)}")
    test = statement.test
    if not (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.left, ast.Call)
        and isinstance(test.left.func, ast.Name)
        and test.left.func.id == name
    ):
        raise NotLiteralError(f"not of the form f(…) == …: {_shown(test)}")
    call = test.left
    if call.keywords or not call.args:
        raise NotLiteralError(f"no argument, or one by name: {_shown(test)}")
    arguments = [_json(_literal(one), "argument") for one in call.args]
    expected = _literal(test.comparators[0])
    if isinstance(expected, tuple):
        expected = list(expected)
    return Case("\n".join(arguments), _json(expected, "expected value"))


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise NotLiteralError(f"not a literal: {_shown(node)}") from error


def _json(value: Any, what: str) -> str:
    _check(value, what)
    return json.dumps(value)  # ASCII: a lone surrogate is an escape, and stays one


def _check(value: Any, what: str) -> None:
    """Raises NotLiteralError for what JSON would change."""
    if isinstance(value, float) and not math.isfinite(value):
        raise NotLiteralError(f"{what} that is not finite")
    if isinstance(value, dict):
        if strange := [key for key in value if not isinstance(key, str)]:
            raise NotLiteralError(f"{what} with a key that is not text: {strange[0]!r:.40}")
    elif not isinstance(value, list | str | int | float | None):
        raise NotLiteralError(f"{what} with a {type(value).__name__}")
    for one in _members(value):
        _check(one, what)


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:60]}…"
