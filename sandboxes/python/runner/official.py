"""Runs a program as the official LiveCodeBench harness does (testing_util.py at 28fef95).

Its prelude before the program; functions from one module, or one Solution object, for all tests;
stdin programs wrapped in a function whose sys.stdin and builtins.open are stand-ins with that
harness's habits. Only the comparison is made elsewhere.
"""

import ast
import builtins
import importlib
import io
import os
import shutil
import subprocess
import sys
from types import ModuleType

_STARS = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools "
    "operator io sys json builtins typing"
).split()
PRELUDE = (
    "".join(f"from {name} import *\n" for name in _STARS)
    + "".join(f"import {name}\n" for name in _STARS[:-2])
    + "sys.setrecursionlimit(50000)\n"
)
_OS_NAMES = [
    "kill",
    "system",
    "putenv",
    "remove",
    "removedirs",
    "rmdir",
    "fchdir",
    "setuid",
    "fork",
    "forkpty",
    "killpg",
    "rename",
    "renames",
    "truncate",
    "replace",
    "unlink",
    "fchmod",
    "fchown",
    "chmod",
    "chown",
    "chroot",
    "lchflags",
    "lchmod",
    "lchown",
    "getcwd",
    "chdir",
]
_BLOCKED_MODULES = ("ipdb", "joblib", "resource", "psutil", "tkinter")


def disarm(code: str) -> None:
    """Takes away the names that the harness takes away; no protection, only the same verdicts.

    The harness has loaded NumPy by then, which afterwards could not be loaded any more.
    """
    if any(name in code for name in ("numpy", "scipy", "sympy")):
        importlib.import_module("numpy")
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in _OS_NAMES:
        setattr(os, name, None)
    for name in ("rmtree", "move", "chown"):
        setattr(shutil, name, None)
    subprocess.Popen = None
    builtins.quit = builtins.help = None
    for name in _BLOCKED_MODULES:
        sys.modules[name] = None


def load_function(code: str, name: str):
    """The function or method `name` of the program; raises what the program raises."""
    return getattr(_load(f"{PRELUDE}\n\n{code}"), name)


def load_script(code: str):
    """The program as one function without arguments."""
    return _load(_as_function(_without_main_guard(code))).wrapped_function


def _load(source: str):
    module = ModuleType("tmp_sol", "")
    exec(compile(source, "<program>", "exec"), module.__dict__)
    return module.Solution() if "class Solution" in source else module


def _without_main_guard(code: str) -> str:
    try:
        tree = ast.parse(code)
        last = tree.body[-1]
        if isinstance(last, ast.If) and ast.unparse(last.test) == "__name__ == '__main__'":
            return ast.unparse(tree.body[:-1]) + "\n" + ast.unparse(last.body)
    except Exception:  # the harness goes on with the text as it is, whatever is wrong with it
        return code
    return code


def _as_function(code: str) -> str:
    """Imports first, everything else inside one function."""
    try:
        body = ast.parse(code).body
        imports = [one for one in body if isinstance(one, ast.Import | ast.ImportFrom)]
        others = [one for one in body if not isinstance(one, ast.Import | ast.ImportFrom)]
        arguments = ast.arguments([], [], None, [], [], None, [])
        function = ast.FunctionDef("wrapped_function", arguments, others, [], lineno=-1)
        return f"{PRELUDE}\n{ast.unparse(imports)}\n{ast.unparse(function)}"
    except Exception:  # as above
        return code


class _Stdin:
    """sys.stdin as the harness mocks it: read() always returns everything, lines come without ends."""

    def __init__(self, text: str) -> None:
        lines = iter(text.split("\n"))
        self.inputs = text
        self._stringio = io.StringIO(text)
        self.buffer = _Buffer(text)
        self.read = lambda *_: text
        self.readline = lambda *_: next(lines)
        self.readlines = lambda *_: text.split("\n")

    def __getattr__(self, name: str):
        return getattr(self._stringio, name)


class _Buffer:
    def __init__(self, text: str) -> None:
        self.inputs = text.encode()

    def read(self, *_):
        return self.inputs

    def readline(self, *_):
        return self.inputs.split(b"\n")[0] + b"\n"


def call_script(function, text: str) -> str:
    """What the program prints for this input; raises what it raises, except SystemExit."""
    from unittest.mock import mock_open

    def stand_in(*arguments, **options):
        nonlocal opener
        opener = opener or mock_open(read_data=text)
        return opener(*arguments, **options)

    opener = None
    real = sys.stdin, sys.stdout, builtins.open
    captured = io.StringIO()
    captured.close = lambda *_: 1
    sys.stdin, sys.stdout, builtins.open = _Stdin(text), captured, stand_in
    try:
        function()
    except SystemExit:
        pass
    finally:
        sys.stdin, sys.stdout, builtins.open = real
    return captured.getvalue()
