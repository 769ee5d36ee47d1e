"""Single modules of packages that as a whole want GPUs, Ray or other versions of what is here."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from types import ModuleType

import pytest


@contextmanager
def foreign(package: str, version: str, module: str) -> Iterator[ModuleType]:
    """The module as it is in the package of that version, without the code of the packages around it.

    Skips the test where that is not installed. Afterwards the package can be imported as usual.
    """
    try:
        found = distribution(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} {version} is not installed here: make test-clients")
    if found.version != version:
        pytest.skip(f"{package} {found.version} is installed here, not {version}")
    before = dict(sys.modules)
    parents = module.split(".")[:-1]
    for depth in range(1, len(parents) + 1):
        name = ".".join(parents[:depth])
        bare = ModuleType(name)
        bare.__path__ = [str(found.locate_file("/".join(parents[:depth])))]
        sys.modules[name] = bare
    try:
        yield importlib.import_module(module)
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == parents[0]]:
            del sys.modules[name]
            if name in before:
                sys.modules[name] = before[name]
