"""Which process a container belongs to, and the removal of those whose process is gone."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

SANDBOX = "evalkit.sandbox"
OWNER = "evalkit.owner"


def owner(pid: int | None = None) -> str:
    """Names a process of this machine so that a later process with the same id differs from it.

    It is process id, start time, boot and process namespace. Raises ProcessLookupError.
    """
    pid = os.getpid() if pid is None else pid
    start = _start(pid)
    if start is None:
        raise ProcessLookupError(f"there is no process {pid}")
    return f"{pid}:{start}:{_place()}"


def is_gone(name: str) -> bool:
    """True where the process with this name has ended; False where that cannot be known from here.

    It cannot be known of a process on another machine or in another process namespace.
    """
    pid, _, rest = name.partition(":")
    start, _, place = rest.partition(":")
    if not pid.isdecimal() or place != _place():
        return False
    return _start(int(pid)) != start


def prune_dead(client: "DockerClient", *, including_live: bool = False) -> list[str]:
    """Removes sandbox containers whose process is gone, or all of them; returns their short ids."""
    removed = []
    for container in _sandboxes(client):
        name = str(container.labels.get(OWNER, ""))
        if (including_live or is_gone(name)) and _remove(container):
            removed.append(str(container.short_id))
    return removed


def _sandboxes(client: "DockerClient") -> "Iterator[Container]":
    # ignore_removed: other containers may come and go while they are listed.
    yield from client.containers.list(
        all=True, filters={"label": f"{SANDBOX}=1"}, ignore_removed=True
    )


def _remove(container: "Container") -> bool:
    """False where someone else was faster, which with `auto_remove` Docker itself often is."""
    from docker.errors import APIError, NotFound

    try:
        container.remove(force=True, v=True)
    except NotFound:
        return False
    except APIError as error:
        if error.status_code == 409:  # removal is in progress
            return False
        raise
    return True


def _start(pid: int) -> str | None:
    """When the process started, in any unit; None where it has ended or only awaits its parent."""
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]
    import psutil

    try:
        return f"{psutil.Process(pid).create_time():.0f}"
    except psutil.NoSuchProcess:
        return None


def _place() -> str:
    """The boot and the process namespace, in which process ids mean something."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        namespace = Path("/proc/self/ns/pid").readlink().name
        return f"{boot.read_text().strip()}:{namespace}"
    import socket

    return socket.gethostname()
