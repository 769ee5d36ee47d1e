"""What the sandbox promises, proved on this host: a probe looks out of a container of the pool's kind."""

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.sandbox.client import (
    Host,
    close_attached,
    docker_errors,
    host_of,
    require_runtime,
)
from evalkit.sandbox.image import INTERPRETER, find_image
from evalkit.sandbox.options import container_options
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

_MEMORY_MIB = 256  # half of what the probe's memory bomb takes
_TIMEOUT_S = 60.0
_LOADER = """
import json, sys, types
for name, text in json.loads(sys.argv[1]):
    full = "evalkit.sandbox.probe" + f".{name}" * (name != "__init__")
    module = sys.modules[full] = types.ModuleType("__main__" if name == "main" else full)
    setattr(sys.modules["evalkit.sandbox.probe"], name, module)
    exec(compile(text, full, "exec"), module.__dict__)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """`is_required`: without it a program could cheat, harm the host or disturb its neighbours."""

    id: str
    title: str
    why: str
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """`seen` is what the probe saw; `holds` is False where the host does not enforce it."""

    property: Property
    holds: bool
    seen: str


PROPERTIES = (
    Property(id="network", title="no network", why="no answers from outside, no data to outside"),
    Property(
        id="root-readonly", title="read-only root", why="nothing is left for the next program"
    ),
    Property(id="tmp-size", title="bounded /tmp and /dev/shm", why="files count to the memory"),
    Property(id="writable", title="nothing else world-writable", why="no place to hide files"),
    Property(id="capabilities", title="no capabilities", why="root's powers are out of reach"),
    Property(id="no-new-privileges", title="no new privileges", why="nothing raises them again"),
    Property(id="setuid", title="no setuid files", why="nothing raises them again"),
    Property(id="seccomp", title="system call filter", why="less of the kernel to attack"),
    Property(id="calls", title="dangerous calls denied", why="ptrace, io_uring, keyrings, IPC …"),
    Property(id="namespaces", title="no new namespaces", why="the usual first step of an escape"),
    Property(id="sockets", title="no other sockets", why="AF_VSOCK would reach the hypervisor"),
    Property(id="pid1", title="runner out of reach", why="it reports what programs do"),
    Property(id="proc-sys", title="kernel settings read-only", why="they hold for the whole host"),
    Property(id="mounts", title="no files of the host", why="no Docker socket, no tests, no keys"),
    Property(id="devices", title="no devices", why="no disks, no GPU"),
    Property(id="memory", title="memory limit", why="a bomb ends itself, not its neighbours"),
    Property(id="swap", title="swap counts as memory", why="the limit is one on both"),
    Property(id="processes", title="process limit", why="a fork bomb ends itself"),
    Property(id="core-dumps", title="no core dumps", why="they would be written by the host"),
    Property(id="cpu", title="one core each", why="neighbours keep their time", is_required=False),
    Property(
        id="user-namespace",
        title="root inside is nobody outside",
        why="a second wall: rootless Docker or userns-remap",
        is_required=False,
    ),
)
# gVisor answers these calls itself, in user space; they do not reach the host's kernel.
_NOT_IN_GVISOR = frozenset({"seccomp", "calls", "namespaces", "sockets", "memory", "processes"})


def check_sandbox(
    client: "DockerClient", *, runtime: str | None = None, language: str = "python"
) -> list[Finding]:
    """Every property with what was seen on this host. Takes seconds. Raises SandboxError."""
    host = host_of(client)
    require_runtime(host, runtime)
    image = find_image(client, language)
    options = container_options(
        image=image.name,
        slot=0,
        memory_mib=_MEMORY_MIB,
        host=host,
        runtime=runtime,
        language=language,
    )
    found = look_around(client, options) | {"swap": _swap(host)}
    return [_finding(one, found, runtime) for one in PROPERTIES]


def _finding(one: Property, found: dict[str, tuple[bool, str]], runtime: str | None) -> Finding:
    holds, seen = found.get(one.id, (False, "the probe says nothing about it"))
    if runtime == "runsc" and one.id in _NOT_IN_GVISOR:
        one = Property(id=one.id, title=one.title, why=one.why, is_required=False)
    return Finding(one, holds, seen)


def _swap(host: Host) -> tuple[bool, str]:
    if host.has_swap_limit:
        return True, "limited together"
    swaps = Path("/proc/swaps")
    if swaps.exists() and len(swaps.read_text().splitlines()) == 1:
        return True, "this machine has none"
    return False, "Docker cannot limit it here (kernel option swapaccount=1)"


def look_around(client: "DockerClient", options: dict[str, Any]) -> dict[str, tuple[bool, str]]:
    """What the probe sees in a container with these options: property → (holds, what it saw).

    Raises SandboxError.
    """
    stdout, stderr = outputs(client, options, _LOADER, _probe())
    try:
        found = json.loads(stdout)
    except ValueError as error:
        tail = " ".join(stderr.decode(errors="replace").split())[-300:]
        raise SandboxError(f"the probe in the container failed: {tail or 'no output'}") from error
    return {name: (bool(holds), str(seen)) for name, (holds, seen) in found.items()}


def outputs(
    client: "DockerClient", options: dict[str, Any], code: str, *arguments: str
) -> tuple[bytes, bytes]:
    """Stdout and stderr of Python code that a container with these options runs, as root, first.

    After a minute the container is killed. Raises SandboxError.
    """
    started_with = {"entrypoint": [INTERPRETER, "-I", "-c", code], "command": list(arguments)}
    with docker_errors():
        container = client.containers.create(**options | started_with)
        try:
            return _read(container)
        finally:
            _remove(container)


def _probe() -> str:
    """The probe's modules with their names, in an order in which each finds what it imports."""
    folder = Path(__file__).parent / "probe"
    names = ("__init__", "outcome", "files", "kernel", "limits", "main")
    return json.dumps([[name, (folder / f"{name}.py").read_text("utf-8")] for name in names])


def _read(container: Any) -> tuple[bytes, bytes]:
    from docker.utils.socket import STDOUT, frames_iter

    attached = container.attach_socket(params={"stdout": 1, "stderr": 1, "stream": 1})
    timer = threading.Timer(_TIMEOUT_S, container.kill)
    timer.start()
    try:
        container.start()
        frames = list(frames_iter(attached, tty=False))
    finally:
        timer.cancel()
        close_attached(attached)
    stdout = b"".join(data for stream, data in frames if stream == STDOUT)
    return stdout, b"".join(data for stream, data in frames if stream != STDOUT)


def _remove(container: Any) -> None:
    from docker.errors import APIError

    try:
        container.remove(force=True)
    except APIError as error:
        if error.status_code not in (404, 409):  # gone, or Docker is removing it
            raise
