"""YAML files into dataclasses, strictly: keys and types must be those of the fields."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml

from evalkit.types import UsageError, unknown

T = TypeVar("T")

# A number for everyone but YAML 1.1, which wants a dot and a sign in 1.0e+5.
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")

_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
    Mapping: "a mapping of names to values",
}


def load_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} must hold a mapping of keys to values")
    return content


def build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """An instance of the dataclass `cls`; raises UsageError as `checked_fields`, or for an absent key."""
    arguments = checked_fields(cls, values, where)
    required = [
        one.name
        for one in fields(cls)  # type: ignore[arg-type]
        if one.default is MISSING and one.default_factory is MISSING
    ]
    if absent := [name for name in required if name not in arguments]:
        raise UsageError(f"{where}: missing key {', '.join(absent)}")
    return cls(**arguments)


def checked_fields(cls: type[Any], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`values` as keyword arguments of the dataclass `cls`.

    Lists become tuples, and a single value stands for a list of one. Raises UsageError for a key
    that `cls` does not have and for a value of another type than the field's.
    """
    known = get_type_hints(cls)
    if strange := [str(key) for key in values if key not in known]:
        raise UsageError(f"{where}: unknown key {', '.join(strange)}; known: {', '.join(known)}")
    return {key: _converted(value, known[key], f"{where}: {key}") for key, value in values.items()}


def _converted(value: Any, kind: Any, where: str) -> Any:
    if isinstance(kind, UnionType):
        if value is None:
            return None
        kinds = [one for one in get_args(kind) if one is not NoneType]
        kind = kinds[0] if len(kinds) == 1 else _best_fit(kinds, value)
    origin = get_origin(kind) or kind
    if origin is Literal:
        if value not in get_args(kind):
            raise unknown(where, str(value), list(get_args(kind)))
        return value
    if origin is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_converted(item, get_args(kind)[0], where) for item in items)
    if isinstance(kind, type) and is_dataclass(kind):
        return build(kind, _checked(value, Mapping, where), where)
    value = _checked(value, origin, where)
    if origin is Mapping:
        inner = get_args(kind)[1]
        return {
            str(name): _converted(item, inner, f"{where}: {name}") for name, item in value.items()
        }
    return Path(value).expanduser() if kind is Path else value


def _best_fit(kinds: list[Any], value: Any) -> Any:
    """Of several dataclasses the one that has most of the keys; the first where that says nothing."""
    keys = set(value) if isinstance(value, Mapping) else set()
    return max(kinds, key=lambda one: len(keys & {field.name for field in fields(one)}))


def _checked(value: Any, kind: Any, where: str) -> Any:
    if kind is float and isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    accepted = {float: int | float, Path: str | Path, Any: object}.get(kind, kind)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind in (int, float)):
        found = "nothing" if value is None else repr(value)
        raise UsageError(f"{where}: expected {_WORDS[kind]}, found {found}")
    return value
