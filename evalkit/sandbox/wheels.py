"""Fetches the Python packages of the sandbox, pinned by hash, with this machine's pip."""

import os
import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from evalkit.sandbox.recipe import Recipe
from evalkit.types import SandboxError

_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_GLIBC_MINORS = (28, 27, 24, 17)


def install_wheels(made_from: Recipe, target: Path, architecture: str) -> None:
    """Unpacks the recipe's wheels for an architecture, as Docker or the kernel names it, into `target`.

    Nothing of a package is run. Raises SandboxError.
    """
    if PathFinder.find_spec("pip") is None:
        raise SandboxError(f"{sys.executable} has no pip: run `{sys.executable} -m ensurepip`")
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--target", str(target), "--no-compile", "--no-deps", "--only-binary=:all:"),
        *("--require-hashes", "--requirement", str(made_from.folder / "requirements.txt")),
        *("--implementation", "cp", "--python-version", made_from.start["python_version"]),
        *(f"--platform={tag}" for tag in platforms(architecture)),
    ]
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        tail = " ".join(done.stderr.split())[-400:]
        raise SandboxError(f"fetching the sandbox's Python packages failed: {tail}")


def platforms(architecture: str) -> list[str]:
    """The wheel tags that fit Debian bookworm's C library. Raises SandboxError."""
    machine = _MACHINES.get(architecture)
    if machine is None:
        known = ", ".join(sorted(_MACHINES))
        raise SandboxError(f"there is no sandbox for the architecture {architecture!r} ({known})")
    return [
        *(f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS),
        f"manylinux2014_{machine}",
    ]
