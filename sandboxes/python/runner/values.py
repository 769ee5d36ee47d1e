"""A returned value as JSON that says its types, so that the judge compares plain data elsewhere.

Nothing that the program defines is asked for its opinion: subclasses count as their built-in base,
and any other object becomes {"x": type name}, which equals nothing.

    None, bool, str, finite float, small int   as in JSON         list        [...]
    tuple       {"t": [...]}                   large int {"i": hexadecimal}
    dict        {"d": [[key, value], ...]}     nan, inf  {"f": name}
    Fraction, Decimal  {"q": [numerator, denominator] in hexadecimal}
"""

import json
from collections import deque
from decimal import Decimal
from fractions import Fraction
from itertools import islice

MAX_DEPTH = 200
MAX_ITEMS = 10_000_000
_PLAIN_INT = 1 << 53
_LAZY = (
    *(deque, range, map, filter, zip, enumerate, reversed, type(reversed([])), type(iter([]))),
    *(type(x for x in ()), type({}.keys()), type({}.values()), type({}.items())),
)


def encode(value: object, *, spread: bool) -> bytes:
    """With `spread`, iterators, ranges, deques and arrays count as lists."""
    return json.dumps(_plain(value, spread, 0)).encode()


def _plain(value: object, spread: bool, depth: int) -> object:
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return _integer(value)
    if kind is float:
        return _float(value)
    if depth > MAX_DEPTH:
        return {"x": "nested too deeply"}
    return _from_builtin(value, kind, spread, depth + 1)


def _from_builtin(value: object, kind: type, spread: bool, depth: int) -> object:
    if issubclass(kind, list):
        return [_plain(one, spread, depth) for one in list.__iter__(value)]
    if issubclass(kind, tuple):
        return {"t": [_plain(one, spread, depth) for one in tuple.__iter__(value)]}
    if issubclass(kind, dict):
        pairs = dict.items(value)
        return {"d": [[_plain(k, spread, depth), _plain(v, spread, depth)] for k, v in pairs]}
    if issubclass(kind, int):
        return _integer(int.__add__(value, 0))
    if issubclass(kind, float):
        return _float(float.__add__(value, 0.0))
    if issubclass(kind, str):
        return str.__add__(value, "")
    return _from_other(value, kind, spread, depth)


def _from_other(value: object, kind: type, spread: bool, depth: int) -> object:
    if kind is Fraction or kind is Decimal:
        return _ratio(value)
    if kind.__module__ == "numpy":
        return _from_numpy(value, spread, depth)
    if spread and any(kind is one for one in _LAZY):
        return [_plain(one, spread, depth) for one in islice(iter(value), MAX_ITEMS)]
    return {"x": kind.__name__}


def _integer(value: int) -> object:
    return value if -_PLAIN_INT < value < _PLAIN_INT else {"i": hex(value)}


def _float(value: float) -> object:
    return value if value - value == 0 else {"f": float.__repr__(value)}


def _ratio(value: object) -> object:
    try:
        numerator, denominator = value.as_integer_ratio()
    except (ValueError, OverflowError):
        return {"x": "not a finite number"}
    return {"q": [hex(numerator), hex(denominator)]}


def _from_numpy(value: object, spread: bool, depth: int) -> object:
    if hasattr(value, "tolist") and (spread or not getattr(value, "shape", ())):
        return _plain(value.tolist(), spread, depth + 1)
    return {"x": f"numpy.{type(value).__name__}"}
