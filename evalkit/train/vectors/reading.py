"""The vectors' file format, version 1: one list of cases for each kind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from evalkit.types import DataError

FORMAT_VERSION = 1
_DESCRIPTIONS = {"format_version", "meta", "aggregation_modes"}


@dataclass(frozen=True, slots=True)
class Case:
    """Lookups raise DataError, which names the case and the field, for what is not there."""

    kind: str
    name: str
    fields: Mapping[str, Any]

    def field(self, *path: str) -> Any:
        value: Any = self.fields
        for key in path:
            if not isinstance(value, dict) or key not in value:
                raise self.error(f"has no field {'.'.join(path)}")
            value = value[key]
        return value

    def has(self, name: str) -> bool:
        return name in self.fields

    def mapping(self, *path: str) -> dict[str, Any]:
        value = self.field(*path)
        if not isinstance(value, dict):
            raise self.error(f"{'.'.join(path)} is not an object")
        return value

    def text(self, *path: str) -> str:
        value = self.field(*path)
        if not isinstance(value, str):
            raise self.error(f"{'.'.join(path)} is {value!r}, not a text")
        return value

    def number(self, *path: str) -> float:
        value = self.tensor(*path)
        if value.ndim:
            raise self.error(f"{'.'.join(path)} is not one number")
        return float(value)

    def count(self, *path: str) -> int:
        value = self.number(*path)
        if value < 1 or not value.is_integer():
            raise self.error(f"{'.'.join(path)} is {value:g}, not a positive whole number")
        return int(value)

    def tensor(self, *path: str, dtype: torch.dtype = torch.float64) -> Tensor:
        """A number or nested lists of equal lengths; "NaN" and "Infinity" are texts there."""
        try:
            return torch.tensor(_numbers(self.field(*path)), dtype=dtype)
        except (TypeError, ValueError) as error:
            raise self.error(f"{'.'.join(path)} holds no rectangle of numbers") from error

    def error(self, text: str) -> DataError:
        return DataError(f"{self.kind} {self.name}: {text}")


def read_cases(path: Path, kinds: list[str]) -> list[Case]:
    """All cases of a file, in its order. Raises DataError for any other format, or a file of none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise DataError(f"{path} has format_version {version}; known: {FORMAT_VERSION}")
    sections = {key: value for key, value in content.items() if key not in _DESCRIPTIONS}
    strange = sorted(sections.keys() - set(kinds))
    if strange:
        raise DataError(
            f"{path} has vectors of unknown kind {strange[0]!r}; known: {', '.join(kinds)}"
        )
    cases = [case for kind, section in sections.items() for case in _cases(path, kind, section)]
    if not cases:
        raise DataError(f"{path} holds no case")
    return cases


def _cases(path: Path, kind: str, section: Any) -> list[Case]:
    if not isinstance(section, list) or not all(isinstance(one, dict) for one in section):
        raise DataError(f"{path}: {kind} is not a list of objects")
    return [Case(kind, str(one.get("id", f"#{i}")), one) for i, one in enumerate(section)]


def _numbers(value: Any) -> Any:
    return [_numbers(one) for one in value] if isinstance(value, list) else float(value)
