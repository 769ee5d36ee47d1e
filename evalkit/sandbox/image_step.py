"""What every step of building the sandbox image shares: its labels, its context, Docker's build."""

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.sandbox.client import docker_errors
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

BUILT_FROM = "evalkit.built-from"
Report = Callable[[str], None]


class Source(StrEnum):
    """Where Python itself comes from."""

    AUTO = "auto"
    REGISTRY = "registry"
    DEBIAN = "debian"


def make_readable(folder: Path) -> None:
    """Lets any user inside the image read what is copied, whatever umask this process has."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def docker_build(client: "DockerClient", context: Path, **options: Any) -> None:
    """Runs a build without a network. Raises SandboxError with the end of its log."""
    from docker.errors import BuildError

    options |= {"network_mode": "none", "rm": True, "forcerm": True}
    try:
        with docker_errors(but=BuildError):
            client.images.build(path=str(context), **options)
    except BuildError as error:
        lines = [str(part.get("stream", "")).strip() for part in error.build_log]
        tail = " | ".join(line for line in lines if line)[-500:]
        raise SandboxError(f"building {options['tag']} failed: {error.msg} ({tail})") from error
