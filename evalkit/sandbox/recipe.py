"""What a sandbox image is made from, and the hash that names it. Knows nothing of Docker."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from evalkit.resources import resource_dir
from evalkit.types import unknown

_FORMAT = b"evalkit sandbox image 1"
_BASE = ("base.Dockerfile", "finish.sh", "image.json", "requirements.txt")
_TOP = ("Dockerfile", "seccomp.json")


@dataclass(frozen=True)
class Recipe:
    """The directory of one language: build files, packages, seccomp profile and runner.

    `image.json` says what the image starts from: `registry_image`, or `debian_suite` with
    `debian_packages`; and `python_version`, for which the packages are fetched.
    """

    language: str
    folder: Path

    @cached_property
    def start(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "image.json").read_text("utf-8")))

    @property
    def seccomp_profile(self) -> str:
        """The allow-list of system calls, in Docker's JSON."""
        return (self.folder / "seccomp.json").read_text("utf-8")

    @property
    def runner_files(self) -> dict[str, Path]:
        """The sources of the program inside the container, by their path below `runner/`."""
        root = self.folder / "runner"
        return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*.py"))}

    @property
    def runner_hash(self) -> str:
        """Sha256 over all that the image is made from.

        Image ids cannot be used for this, because they change with each build.
        """
        files = {name: self.folder / name for name in (*_BASE, *_TOP)}
        return _digest(files | {f"runner/{name}": path for name, path in self.runner_files.items()})

    @property
    def base_hash(self) -> str:
        """The same over what lies below the runner, which takes a minute or two to build."""
        return _digest({name: self.folder / name for name in _BASE})

    @property
    def image_name(self) -> str:
        """The image that fits this version of evalkit."""
        return f"evalkit-{self.language}:{self.runner_hash[:12]}"

    @property
    def base_name(self) -> str:
        return f"evalkit-{self.language}-base:{self.base_hash[:12]}"


def recipe(language: str = "python") -> Recipe:
    """The recipe in `sandboxes/<language>`. Raises UsageError."""
    known = {
        path.parent.name: path.parent for path in resource_dir("sandboxes").glob("*/image.json")
    }
    if language not in known:
        raise unknown("language of a sandbox", language, known)
    return Recipe(language, known[language])


def _digest(files: dict[str, Path]) -> str:
    total = hashlib.sha256(_FORMAT)
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        total.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()
