"""The part of the sandbox that can be tried on the host: how values are encoded, and the official stand-ins.

Only programs written here are run.
"""

import importlib
import json
import sys
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from types import ModuleType
from typing import Any

import pytest

from evalkit.graders.compare import same_value
from evalkit.resources import resource_dir


@pytest.fixture(scope="module")
def runner() -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module of the runner by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(resource_dir("sandboxes") / "python")
        yield lambda name: importlib.import_module(f"runner.{name}")


@pytest.fixture(scope="module")
def encode(runner: Callable[[str], ModuleType]) -> Callable[..., Any]:
    """The encoded value as JSON."""
    values = runner("values")
    return lambda value, *, spread=True: json.loads(values.encode(value, spread=spread))


@pytest.fixture(scope="module")
def official(runner: Callable[[str], ModuleType]) -> ModuleType:
    return runner("official")


class Colour(IntEnum):
    RED = 1


class OwnStr(str):
    """Encoded as the text that it is."""


Point = namedtuple("Point", "x y")

ENCODED = {
    "none": (None, None),
    "bool": (True, True),
    "text": ("a\n\u20ac\ud800", "a\n\u20ac\ud800"),
    "int": (-5, -5),
    "the largest plain int": (2**53 - 1, 2**53 - 1),
    "large int": (2**53, {"i": hex(2**53)}),
    "large negative int": (-(2**80), {"i": hex(-(2**80))}),
    "int of 20,000 digits": (10**20_000, {"i": hex(10**20_000)}),
    "float": (0.1, 0.1),
    "nan": (float("nan"), {"f": "nan"}),
    "infinity": (float("-inf"), {"f": "-inf"}),
    "fraction": (Fraction(1, -2), {"q": ["-0x1", "0x2"]}),
    "decimal": (Decimal("0.5"), {"q": ["0x1", "0x2"]}),
    "decimal without a value": (Decimal("nan"), {"x": "not a finite number"}),
    "list": ([1, [2]], [1, [2]]),
    "tuple": ((1, (2,)), {"t": [1, {"t": [2]}]}),
    "named tuple": (Point(1, 2), {"t": [1, 2]}),
    "dict": ({"a": 1, 2: [3]}, {"d": [["a", 1], [2, [3]]]}),
    "ordered dict": (OrderedDict(a=1), {"d": [["a", 1]]}),
    "defaultdict": (defaultdict(int, a=1), {"d": [["a", 1]]}),
    "counter": (Counter("a"), {"d": [["a", 1]]}),
    "int enum": (Colour.RED, 1),
    "subclass of str": (OwnStr("a"), "a"),
    "set": ({1}, {"x": "set"}),
    "bytes": (b"a", {"x": "bytes"}),
    "complex": (1j, {"x": "complex"}),
    "a class": (int, {"x": "type"}),
    "a function": (len, {"x": "builtin_function_or_method"}),
}


@pytest.mark.parametrize("spread", [True, False])
@pytest.mark.parametrize(("value", "expected"), ENCODED.values(), ids=ENCODED)
def test_each_kind_of_value_is_named(
    encode: Callable[..., Any], value: object, expected: object, spread: bool
) -> None:
    assert encode(value, spread=spread) == expected
    assert type(encode(value, spread=spread)) is type(expected)


LAZY: dict[str, Callable[[], object]] = {
    "deque": lambda: deque([1, 2]),
    "range": lambda: range(1, 3),
    "map": lambda: map(int, "12"),
    "generator": lambda: (int(digit) for digit in "12"),
    "reversed": lambda: reversed([2, 1]),
    "keys": lambda: {1: 0, 2: 0}.keys(),
}


@pytest.mark.parametrize("make", LAZY.values(), ids=LAZY)
def test_what_is_like_a_list_counts_as_one_only_where_it_may(
    encode: Callable[..., Any], make: Callable[[], object]
) -> None:
    assert encode(make(), spread=True) == [1, 2]
    assert list(encode(make(), spread=False)) == ["x"]


def test_an_iterator_is_followed_to_the_largest_number_of_items(
    encode: Callable[..., Any],
    runner: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner("values"), "MAX_ITEMS", 3)

    assert encode(number for number in range(9)) == [0, 1, 2]


def test_numbers_and_arrays_of_numpy(encode: Callable[..., Any]) -> None:
    import numpy

    assert encode(numpy.int64(3), spread=False) == 3
    assert encode(numpy.float64(0.5), spread=False) == 0.5
    assert encode(numpy.bool_(True), spread=False) is True
    assert encode([numpy.int64(3)], spread=False) == [3]
    assert encode(numpy.array([[1, 2]]), spread=True) == [[1, 2]]
    assert encode(numpy.array([1, 2]), spread=False) == {"x": "numpy.ndarray"}


def test_what_refers_to_itself_is_cut_off(encode: Callable[..., Any], runner: Any) -> None:
    endless: list[object] = []
    endless.append(endless)

    text = json.dumps(encode(endless))

    assert '{"x": "nested too deeply"}' in text
    assert text.count("[") <= runner("values").MAX_DEPTH + 2


def test_what_is_nested_deeply_but_honestly_is_kept(encode: Callable[..., Any]) -> None:
    value: list[object] = []
    for _ in range(150):
        value = [value]

    assert encode(value) == value


class _Asked(BaseException):
    """A method of the program was called."""


def _hostile(base: type) -> type:
    """A subclass whose every method calls foul, and which equals everything."""

    def asked(self: object, *_: object, **__: object) -> object:
        raise _Asked

    names = [
        "__eq__",
        "__ne__",
        "__hash__",
        "__iter__",
        "__len__",
        "__getitem__",
        "__contains__",
        "__str__",
        "__repr__",
        "__int__",
        "__float__",
        "__index__",
        "__bool__",
        "__add__",
        "__radd__",
        "__sub__",
        "__neg__",
        "__reversed__",
        "__format__",
        "__getattribute__",
        "items",
        "keys",
        "values",
        "as_integer_ratio",
        "hex",
        "__lt__",
        "__gt__",
        "__reduce_ex__",
    ]
    return type("Asking", (base,), dict.fromkeys(names, asked))


SUBCLASSES = {
    "list": (list, [1, 2], [1, 2]),
    "tuple": (tuple, (1, 2), {"t": [1, 2]}),
    "dict": (dict, {"a": 1}, {"d": [["a", 1]]}),
    "int": (int, 7, 7),
    "large int": (int, 2**70, {"i": hex(2**70)}),
    "float": (float, 0.5, 0.5),
    "str": (str, "ab", "ab"),
    "object": (object, None, {"x": "Asking"}),
    "set": (set, {1}, {"x": "Asking"}),
    "Fraction": (Fraction, Fraction(1, 2), {"x": "Asking"}),
    "Decimal": (Decimal, Decimal(1), {"x": "Asking"}),
    "deque": (deque, deque([1]), {"x": "Asking"}),
}


@pytest.mark.parametrize(("base", "content", "expected"), SUBCLASSES.values(), ids=SUBCLASSES)
def test_no_method_of_the_program_is_asked(
    encode: Callable[..., Any], base: type, content: Any, expected: object
) -> None:
    kind = _hostile(base)
    value = kind() if base is object else kind(content)

    assert encode(value) == expected
    assert encode([value], spread=False) == [expected]


def test_a_lie_about_the_class_is_not_believed(encode: Callable[..., Any]) -> None:
    class Liar:
        __class__ = int  # type: ignore[assignment]

        def __int__(self) -> int:
            return 5

    assert isinstance(Liar(), int)
    assert encode(Liar()) == {"x": "Liar"}


def test_a_metaclass_that_claims_its_instances_is_not_believed(encode: Callable[..., Any]) -> None:
    class Claiming(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return True

        def __subclasscheck__(cls, subclass: type) -> bool:
            return True

        def __eq__(cls, other: object) -> bool:
            return True

        __hash__ = type.__hash__

    class Anything(metaclass=Claiming):
        pass

    assert encode(Anything(), spread=False) == {"x": "Anything"}


def test_an_object_equal_to_everything_equals_nothing(encode: Callable[..., Any]) -> None:
    class Equal:
        def __eq__(self, other: object) -> bool:
            return True

    for is_strict in (True, False):
        value = json.dumps(encode([Equal()], spread=not is_strict)).encode()
        assert not same_value("[1]", value, is_strict=is_strict)


SCRIPTS = {
    "input": ("print(input(), input())", "a\nb", "a b\n"),
    "input after the end": ("input()\ninput()\ninput()", "a\nb", StopIteration),
    "readline has no line end": ("import sys\nprint(repr(sys.stdin.readline()))", "a\nb", "'a'\n"),
    "readline with a length gives the line": (
        "import sys\nprint(sys.stdin.readline(1))",
        "abc\n",
        "abc\n",
    ),
    "readlines have no line ends": (
        "import sys\nprint(sys.stdin.readlines())",
        "a\nb\n",
        "['a', 'b', '']\n",
    ),
    "read gives everything, always": (
        "import sys\ninput()\nprint(repr(sys.stdin.read(1)), repr(sys.stdin.read()))",
        "a\nb",
        "'a\\nb' 'a\\nb'\n",
    ),
    "a loop over stdin": ("import sys\nfor line in sys.stdin: print(line)", "a", TypeError),
    "buffer.read": ("import sys\nprint(sys.stdin.buffer.read())", "a\nb", "b'a\\nb'\n"),
    "buffer.readline repeats line 1": (
        "import sys\nread = sys.stdin.buffer.readline\nprint(read(), read())",
        "a\nb",
        "b'a\\n' b'a\\n'\n",
    ),
    "buffer.readlines": ("import sys\nsys.stdin.buffer.readlines()", "a", AttributeError),
    "a loop over the buffer": ("import sys\nlist(sys.stdin.buffer)", "a", TypeError),
    "stdout.buffer": ("import sys\nsys.stdout.buffer.write(b'a')", "", AttributeError),
    "stdout.write": ("import sys\nsys.stdout.write('a')", "", "a"),
    "stdout closed": ("import sys\nprint(1)\nsys.stdout.close()\nprint(2)", "", "1\n2\n"),
    "sys.exit": ("import sys\nprint(1)\nsys.exit(3)\nprint(2)", "", "1\n"),
    "exit": ("print(1)\nexit()", "", "1\n"),
    "an exception": ("print(1)\n1 / 0", "", ZeroDivisionError),
    "a guard at the end": (
        "def main():\n    print(input())\n\nif __name__ == '__main__':\n    main()",
        "a",
        "a\n",
    ),
    "a guard before the end": (
        "if __name__ == '__main__':\n    print(1)\nprint(2)",
        "",
        "2\n",
    ),
    "a guard the other way round": ("if '__main__' == __name__:\n    print(1)", "", ""),
    "a guard with an else": (
        "if __name__ == '__main__':\n    print(1)\nelse:\n    print(2)",
        "",
        "1\n",
    ),
    "a name set at the top is local": (
        "n = 1\ndef f():\n    global n\n    return n\nprint(f())",
        "",
        NameError,
    ),
    "recursion of a function inside": (
        "def f(n):\n    return n and 1 + f(n - 1)\nprint(f(3000))",
        "",
        "3000\n",
    ),
    "names of the prelude": ("print(gcd(4, 6), Counter('a')['a'])", "", "2 1\n"),
    "pow is the built-in one": ("print(pow(2, 3, 5))", "", "3\n"),
    "imports are moved up": (
        "def f():\n    return math.pi > 3\nimport math\nprint(f())",
        "",
        "True\n",
    ),
    "a star import": ("from math import *\nprint(int(sqrt(9)))", "", "3\n"),
    "return at the top": ("print(1)\nreturn\nprint(2)", "", "1\n"),
}


@pytest.mark.parametrize(("code", "given", "expected"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_meets_the_habits_of_the_official_harness(
    official: ModuleType, code: str, given: str, expected: str | type[Exception]
) -> None:
    limit, streams = sys.getrecursionlimit(), (sys.stdin, sys.stdout)
    try:
        function = official.load_script(code)
        if isinstance(expected, str):
            assert official.call_script(function, given) == expected
        else:
            with pytest.raises(expected):
                official.call_script(function, given)
    finally:
        sys.setrecursionlimit(limit)
    assert (sys.stdin, sys.stdout) == streams


def test_each_test_of_a_script_starts_with_its_own_input(official: ModuleType) -> None:
    function = _loaded(official.load_script, "print(int(input()) + 1)")

    assert [official.call_script(function, text) for text in ("1\n", "2\n")] == ["2\n", "3\n"]


def test_a_solution_is_one_object_for_all_tests(official: ModuleType) -> None:
    code = (
        "class Solution:\n    def __init__(self):\n        self.n = 0\n"
        "    def count(self):\n        self.n += 1\n        return self.n\n"
    )
    count = _loaded(official.load_function, code, "count")

    assert [count(), count()] == [1, 2]


def test_a_function_needs_no_class(official: ModuleType) -> None:
    double = _loaded(
        official.load_function, "def double(n: List[int]):\n    return 2 * n", "double"
    )

    assert double([1]) == [1, 1]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("def other(): pass", AttributeError),
        ("class Solution:\n    pass", AttributeError),
        ("class Solution:\n    def f(self): pass\n    def __init__(self, a): pass", TypeError),
        ("def f(:", SyntaxError),
        ("f = 1\nraise KeyError", KeyError),
    ],
)
def test_a_function_that_is_not_there_is_an_error(
    official: ModuleType, code: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        _loaded(official.load_function, code, "f")


def test_a_script_that_speaks_of_a_solution_has_no_function_to_call(official: ModuleType) -> None:
    """The harness takes it for a functional program."""
    with pytest.raises(AttributeError):
        _loaded(official.load_script, "class Solution:\n    pass\nprint(1)")


def _loaded(load: Callable[..., Any], *arguments: str) -> Any:
    limit = sys.getrecursionlimit()
    try:
        return load(*arguments)
    finally:
        sys.setrecursionlimit(limit)
