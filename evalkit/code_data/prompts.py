"""Prompt texts with placeholders, each of which stands there once."""

import re
from collections.abc import Mapping

from evalkit.types import UsageError


def check_placeholders(prompt: str, names: tuple[str, ...], where: str) -> None:
    for name in names:
        if prompt.count(f"{{{name}}}") != 1:
            raise UsageError(f"{where} must hold {{{name}}} exactly once")


def filled(prompt: str, texts: Mapping[str, str]) -> str:
    """`{name}` becomes the text of that name; what the text itself holds is not looked at."""
    names = "|".join(map(re.escape, texts))
    return re.sub(rf"\{{({names})\}}", lambda found: texts[found[1]], prompt)
