"""What counts as the expected output: text line by line, values as plain data, whatever is sent."""

import importlib
import json
import time
import tracemalloc
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.compare import same_text, same_value
from evalkit.resources import resource_dir

TEXT = {
    "equal text": ("yes", "yes", True),
    "case matters": ("Yes", "yes", False),
    "blanks around all of it": ("1 2", "\n\n  1 2 \n \n", True),
    "blanks around a line": ("a\nb", "  a\t\n b  ", True),
    "blanks inside a line of words": ("a b", "a  b", False),
    "blanks inside a line of numbers": ("1 2", "1   2", True),
    "CRLF": ("1\n2\n", "1\r\n2\r\n", True),
    "blank lines at the end": ("1\n2", "1\n2\n\n\n", True),
    "an empty line in the middle": ("1\n2", "1\n\n2", False),
    "a line too few": ("1\n2\n3", "1\n2", False),
    "a line too many": ("1\n2", "1\n2\n3", False),
    "numbers on other lines": ("1\n2", "1 2", False),
    "nothing where nothing is expected": ("", " \n", True),
    "nothing where something is expected": ("0", "", False),
    "something where nothing is expected": ("", "0", False),
    "a decimal in another form": ("1.50", "1.5", True),
    "an exponent": ("100", "1e2", True),
    "a sign": ("5", "+5", True),
    "minus zero": ("0", "-0.0", True),
    "leading zeros": ("7", "007", True),
    "decimals are exact": ("0.3", "0.30000000000000004", False),
    "no tolerance": ("1.0000000001", "1.0", False),
    "twenty digits": ("12345678901234567890", "12345678901234567891", False),
    "one word of the line is no number": ("1 a", "1.0 a", False),
    "two numbers for one": ("12", "1 2", False),
    "infinities are equal": ("inf", "Infinity", True),
    "not a number in the same words": ("nan", "nan", True),
    "not a number in other words": ("nan", "NaN", False),
    "a signalling NaN": ("1", "snan", False),
    "digits of another script": ("12", "١٢", True),
    "an exponent without bounds": ("1", "1e999999999999999999999", False),
    "a large exponent": ("1", "1e999999999", False),
    "other blanks at the edge": ("1", "\u3000\xa01\x0c", True),
    "other line ends do not split": ("a\nb", "a\u2028b", False),
    "NUL": ("1", "1\0", False),
}


@pytest.mark.parametrize(("expected", "actual", "is_same"), TEXT.values(), ids=TEXT)
def test_text_is_compared_by_line(expected: str, actual: str, is_same: bool) -> None:
    assert same_text(expected, actual) is is_same


def read_rule(expected: str, actual: str) -> bool:
    """The official rule, written down once more from its description."""
    wanted = [line.strip() for line in expected.strip().split("\n")]
    found = [line.strip() for line in actual.strip().split("\n")]
    if len(wanted) != len(found):
        return False
    for one, two in zip(wanted, found, strict=True):
        if one != two:
            try:
                numbers = [[Decimal(word) for word in line.split()] for line in (one, two)]
                if numbers[0] != numbers[1]:
                    return False
            except InvalidOperation:
                return False
    return True


PIECES = st.sampled_from(
    ["1", "1.0", "01", "1e0", "2", "-0", "0", "a", "A", " ", "\n", "\n\n", "\r\n", "\t", "inf", "."]
)


@given(st.lists(PIECES).map("".join), st.lists(PIECES).map("".join))
def test_text_agrees_with_the_official_rule(expected: str, actual: str) -> None:
    assert same_text(expected, actual) == read_rule(expected, actual)


@given(st.lists(PIECES).map("".join), st.data())
def test_text_that_differs_in_blanks_at_line_ends_only_is_the_same(
    text: str, data: st.DataObject
) -> None:
    padded = "\n".join(
        data.draw(st.sampled_from(["", " ", "\t "])) + line + data.draw(st.sampled_from(["", "\r"]))
        for line in text.split("\n")
    )

    assert same_text(text, padded)
    assert same_text(padded, text)


STRICT, LENIENT = "strict", "lenient"
SEVENTH = '{"q": ["0x1", "0x7"]}'
HALF = '{"q": ["0x1", "0x2"]}'
VALUES = {
    "a list": ("[1, 2]", "[1, 2]", {STRICT, LENIENT}),
    "another order": ("[1, 2]", "[2, 1]", set()),
    "a shorter list": ("[1, 2]", "[1]", set()),
    "a longer list": ("[1, 2]", "[1, 2, 3]", set()),
    "a tuple on top": ("[1, 2]", '{"t": [1, 2]}', {STRICT, LENIENT}),
    "a tuple inside": ("[[1, 2]]", '[{"t": [1, 2]}]', {LENIENT}),
    "a tuple in a tuple": ("[[1]]", '{"t": [{"t": [1]}]}', {LENIENT}),
    "a tuple in a dict": ('{"a": [1]}', '{"d": [["a", {"t": [1]}]]}', {LENIENT}),
    "an int for a float": ("2.0", "2", {STRICT, LENIENT}),
    "a float for an int": ("2", "2.0", {STRICT, LENIENT}),
    "nearly a float": ("0.5", "0.500001", {LENIENT}),
    "not so nearly a float": ("0.5", "0.5001", set()),
    "nearly a large float": ("1000000.0", "1000001", {LENIENT}),
    "nearly an int": ("5", "5.0000001", set()),
    "nearly a float inside": ("[[0.1]]", "[[0.1000001]]", {LENIENT}),
    "nearly zero": ("0.0", "1e-9", {LENIENT}),
    "true for one": ("1", "true", {STRICT, LENIENT}),
    "one for true": ("true", "1", {STRICT, LENIENT}),
    "zero for false": ("false", "0", {STRICT, LENIENT}),
    "two for true": ("true", "2", set()),
    "nearly true": ("true", "1.0000001", set()),
    "a string": ('"ab"', '"ab"', {STRICT, LENIENT}),
    "case of a string": ('"ab"', '"AB"', set()),
    "blanks of a string": ('"ab"', '"ab "', set()),
    "a string for a list": ('["a", "b"]', '"ab"', set()),
    "a string for a number": ("1", '"1"', set()),
    "a number for a string": ('"1"', "1", set()),
    "none": ("null", "null", {STRICT, LENIENT}),
    "none for false": ("false", "null", set()),
    "none for nothing": ("[]", "null", set()),
    "none for zero": ("0", "null", set()),
    "a dict": ('{"a": 1}', '{"d": [["a", 1]]}', {STRICT, LENIENT}),
    "the order of a dict": ('{"a": 1, "b": 2}', '{"d": [["b", 2], ["a", 1]]}', {STRICT, LENIENT}),
    "a key too many": ('{"a": 1}', '{"d": [["a", 1], ["b", 2]]}', set()),
    "a key too few": ('{"a": 1, "b": 2}', '{"d": [["a", 1]]}', set()),
    "another key": ('{"a": 1}', '{"d": [["b", 1]]}', set()),
    "a number as key": ('{"1": 1}', '{"d": [[1, 1]]}', set()),
    "a tuple as key": ('{"1": 1}', '{"d": [[{"t": [1]}, 1]]}', set()),
    "nearly a float in a dict": ('{"a": 0.5}', '{"d": [["a", 0.500001]]}', {LENIENT}),
    "an empty dict for a list": ("[]", '{"d": []}', set()),
    "a large int": (str(2**70), f'{{"i": "{2**70:#x}"}}', {STRICT, LENIENT}),
    "a large negative int": (str(-(2**70)), f'{{"i": "{-(2**70):#x}"}}', {STRICT, LENIENT}),
    "another large int": (str(2**70), f'{{"i": "{2**70 + 1:#x}"}}', set()),
    "an int of 20,000 digits": ("1" * 20_000, f'{{"i": "{int("1" * 4000):#x}"}}', set()),
    "a fraction": ("0.5", HALF, {STRICT, LENIENT}),
    "a fraction that no float is": (str(1 / 7), SEVENTH, {LENIENT}),
    "a fraction for an int": ("1", '{"q": ["0x2", "0x2"]}', {STRICT, LENIENT}),
    "a fraction too large for a float": ("0.5", f'{{"q": ["{10**400:#x}", "0x3"]}}', set()),
    "an int too large for a float": ("0.5", f'{{"i": "{10**400:#x}"}}', set()),
    "not a number": ("0.5", '{"f": "nan"}', set()),
    "infinity": ("0.5", '{"f": "inf"}', set()),
    "an object": ("1", '{"x": "Answer"}', set()),
    "a set": ("[1]", '{"x": "set"}', set()),
    "an object inside": ("[1]", '[{"x": "Answer"}]', set()),
}


@pytest.mark.parametrize("mode", [STRICT, LENIENT])
@pytest.mark.parametrize(("expected", "value", "same_in"), VALUES.values(), ids=VALUES)
def test_values_are_compared_as_plain_data(
    expected: str, value: str, same_in: set[str], mode: str
) -> None:
    is_same = same_value(expected, value.encode(), is_strict=mode == STRICT)

    assert is_same is (mode in same_in)


NO_VALUES = {
    "nothing": b"",
    "no JSON": b"[1, 2",
    "two values": b"1 1",
    "no UTF-8": b'"\xff"',
    "NUL": b"1\0\0",
    "a dict of no kind": b"{}",
    "two kinds": b'{"t": [1], "d": []}',
    "an unknown kind": b'{"z": 1}',
    "a tuple of a number": b'{"t": 5}',
    "a dict of a number": b'{"d": 5}',
    "a dict of numbers": b'{"d": [1]}',
    "a dict of triples": b'{"d": [[1, 2, 3]]}',
    "a list as key": b'{"d": [[[], 1]]}',
    "a tuple with a list as key": b'{"d": [[{"t": [[]]}, 1]]}',
    "an int that is none": b'{"i": "zz"}',
    "an int of a number": b'{"i": 1}',
    "an int of nothing": b'{"i": null}',
    "a ratio over zero": b'{"q": ["0x1", "0x0"]}',
    "a ratio of one": b'{"q": ["0x1"]}',
    "a ratio of none": b'{"q": []}',
    "a ratio of a number": b'{"q": 1}',
    "a ratio of numbers": b'{"q": [1, 1]}',
    "a ratio by name": b'{"q": {"a": 1, "b": 1}}',
    "a float that is none": b'{"f": "x"}',
    "a float of a list": b'{"f": []}',
    "a float of a large int": b'{"f": 1%s}' % (b"0" * 400),
    "an int of 5,000 digits": b"1" * 4500,
    "deep lists": b"[" * 4096,
    "deep lists that close": b"[" * 2000 + b"]" * 2000,
    "deep tuples": b'{"t":[' * 500 + b"]}" * 500,
}


@pytest.mark.parametrize("is_strict", [True, False], ids=[STRICT, LENIENT])
@pytest.mark.parametrize("value", NO_VALUES.values(), ids=NO_VALUES)
def test_what_is_no_value_equals_nothing_and_raises_nothing(value: bytes, is_strict: bool) -> None:
    """The program itself can write what the judge reads."""
    assert not same_value("1", value, is_strict=is_strict)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**200), max_value=2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def encode() -> Callable[..., bytes]:
    """How the sandbox encodes values."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(resource_dir("sandboxes") / "python")
        found: Callable[..., bytes] = importlib.import_module("runner.values").encode
        return found


@given(JSON, st.booleans())
def test_each_json_value_equals_itself(
    encode: Callable[..., bytes], value: Any, is_strict: bool
) -> None:
    encoded = encode(value, spread=not is_strict)

    assert same_value(json.dumps(value), encoded, is_strict=is_strict)


@given(JSON, JSON)
def test_strict_is_equality_in_python(encode: Callable[..., bytes], one: Any, two: Any) -> None:
    assert same_value(json.dumps(one), encode(two, spread=False), is_strict=True) is (one == two)


@given(JSON, st.booleans(), st.data())
def test_a_changed_value_is_unequal(
    encode: Callable[..., bytes], value: Any, is_strict: bool, data: st.DataObject
) -> None:
    changed = _changed(value, data)

    assert not same_value(
        json.dumps(value), encode(changed, spread=not is_strict), is_strict=is_strict
    )


def _changed(value: Any, data: st.DataObject) -> Any:
    """Another value, by a change at one place that no tolerance covers."""
    if isinstance(value, list) and value and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], _changed(value[place], data), *value[place + 1 :]]
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: _changed(value[key], data)}
    if isinstance(value, bool) or value is None:
        return "not " + str(value)
    if isinstance(value, int):
        return value + data.draw(st.sampled_from([-3, 7, 2**60]))
    if isinstance(value, float):
        return value * 2 + 1 if value != -1 else 0.0
    if isinstance(value, str):
        return value + "x"
    return [*value, None] if isinstance(value, list) else {**value, "\0": None}


def test_a_value_much_longer_than_the_expected_one_is_not_even_parsed() -> None:
    value = b"[" + b"[]," * 3_000_000 + b"[]]"
    tracemalloc.start()

    is_same = same_value("[]", value, is_strict=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert not is_same
    assert peak < 1 << 20


def test_a_line_of_millions_of_numbers_costs_the_judge_little() -> None:
    """Against a short line; as objects they would be a hundred times as large as the text."""
    actual = "11 " * 3_000_000
    tracemalloc.start()

    is_same = same_text("1 2", actual)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert not is_same
    assert peak < 8 * len(actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [("1", "9" * 5_000_000), ("9" * 100_000, "9" * 99_999 + "8"), ("1e5", "1e" + "9" * 100_000)],
    ids=["many digits", "long numbers", "a long exponent"],
)
def test_long_numbers_are_compared_in_linear_time(expected: str, actual: str) -> None:
    start = time.process_time()

    assert not same_text(expected, actual)
    assert time.process_time() - start < 5


def test_a_ratio_of_enormous_numbers_is_not_reduced() -> None:
    number = hex(3**40_000)
    expected = "1" * 8000
    start = time.process_time()

    assert not same_value(expected, f'{{"q": ["{number}", "{number}"]}}'.encode(), is_strict=True)
    assert time.process_time() - start < 1
