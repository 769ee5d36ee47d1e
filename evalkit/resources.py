"""Finds the data that ships with evalkit, and the directory for what is downloaded or derived."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource_dir(name: str) -> Path:
    """The directory of `tasks`, `sandboxes` or `results/reference`.

    It is at the top level of a checkout, and in `_data/` of a wheel.
    """
    in_wheel = _PACKAGE / "_data" / name
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parent / name


def cache_dir() -> Path:
    """EVALKIT_CACHE, else `evalkit` in the user's cache directory; absolute; it need not exist."""
    if explicit := os.environ.get("EVALKIT_CACHE"):
        return Path(explicit).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "evalkit"
