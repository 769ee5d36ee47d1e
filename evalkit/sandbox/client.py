"""The connection to Docker: found where the `docker` command finds it, errors with what mends them."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

_OLDEST_API = (1, 40)
_DEFAULT_SOCKET = Path("/var/run/docker.sock")
START = "start Docker Desktop, or `make docker` as root on Debian or Ubuntu"
PERMISSION = (
    "add yourself to the group docker (`sudo usermod -aG docker $USER`, then log in again), "
    "or run rootless Docker and set DOCKER_HOST"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a Docker daemon can enforce. The defaults are those of one that can enforce all."""

    version: str = ""
    architecture: str = ""
    kernel: str = ""
    cgroup_version: int = 2
    has_memory_limit: bool = True
    has_swap_limit: bool = True
    has_pids_limit: bool = True
    has_cpu_quota: bool = True
    has_seccomp: bool = True
    is_rootless: bool = False
    maps_users: bool = False
    runtimes: tuple[str, ...] = ("runc",)


def connect(*, timeout_s: float = 60.0) -> "DockerClient":
    """A client of a daemon that answers. The caller closes it.

    The daemon is that of DOCKER_HOST, of the current context (as Docker Desktop sets it), the
    default socket, or rootless Docker's. Raises SandboxError.
    """
    import docker

    environment = _environment()
    _knock(environment.get("DOCKER_HOST", ""), timeout_s)
    with docker_errors():
        client = docker.from_env(timeout=timeout_s, environment=environment)
        try:
            client.ping()
            _check_api(client.version()["ApiVersion"])
        except BaseException:
            client.close()
            raise
    return client


def host_of(client: "DockerClient") -> Host:
    """What the daemon says about itself. Raises SandboxError."""
    with docker_errors():
        info = client.info()
    security = [str(option) for option in info.get("SecurityOptions") or []]
    return Host(
        version=info["ServerVersion"],
        architecture=info["Architecture"],
        kernel=info["KernelVersion"],
        cgroup_version=int(info.get("CgroupVersion") or 1),
        has_memory_limit=bool(info.get("MemoryLimit")),
        has_swap_limit=bool(info.get("SwapLimit")),
        has_pids_limit=bool(info.get("PidsLimit")),
        has_cpu_quota=bool(info.get("CpuCfsQuota")),
        has_seccomp=any("name=seccomp" in option for option in security),
        is_rootless=any("name=rootless" in option for option in security),
        maps_users=any(
            f"name={kind}" in one for kind in ("rootless", "userns") for one in security
        ),
        runtimes=tuple(sorted(info.get("Runtimes") or ())),
    )


def require_runtime(host: Host, name: str | None) -> None:
    """Raises SandboxError where Docker has no such OCI runtime; None is Docker's own."""
    if name is not None and name not in host.runtimes:
        known = ", ".join(host.runtimes)
        raise SandboxError(f"this Docker has no runtime {name!r}; it has: {known}")


@contextmanager
def docker_errors(*, but: type[Exception] | tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turns what the docker library raises, `but` some, into SandboxError with what mends it."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except but:
        raise
    except (DockerException, RequestException) as error:
        raise SandboxError(_explain(error)) from error


def close_attached(attached: Any) -> None:
    """Closes what `attach_socket` returned: the file, the socket below it, and the response."""
    response = getattr(attached, "_response", None)
    connection = getattr(attached, "_sock", None)
    for one in (response, attached, connection):
        if one is not None:
            one.close()


def _explain(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    if "Permission denied" in text or "PermissionError" in text:
        return f"no permission to use Docker: {PERMISSION}"
    if "timed out" in text.lower():
        return f"Docker does not answer in time ({text}); is the machine overloaded?"
    absent = ("FileNotFoundError", "Connection refused", "No such file", "ConnectionRefused")
    if any(word in text for word in absent):
        return f"Docker does not run here: {START}"
    if "Not supported URL scheme" in text or "Invalid bind address" in text:
        return f"DOCKER_HOST is not an address of a Docker daemon ({text})"
    return f"Docker: {text}"


def _check_api(version: str) -> None:
    if tuple(map(int, version.split("."))) < _OLDEST_API:
        oldest = ".".join(map(str, _OLDEST_API))
        raise SandboxError(
            f"this Docker speaks API {version}, but evalkit needs {oldest} (Docker 19.03) or newer"
        )


def _environment() -> dict[str, str]:
    """With the address of the daemon, where nothing else names one: the default, or rootless."""
    environment = dict(os.environ)
    config = Path(environment.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    if "DOCKER_HOST" in environment or "DOCKER_CONTEXT" in environment or config.exists():
        return environment
    rootless = Path(environment.get("XDG_RUNTIME_DIR") or "/nonexistent") / "docker.sock"
    is_rootless = rootless.exists() and not _DEFAULT_SOCKET.exists()
    return environment | {"DOCKER_HOST": f"unix://{rootless if is_rootless else _DEFAULT_SOCKET}"}


def _knock(address: str, timeout_s: float) -> None:
    """Raises SandboxError where nobody listens; the docker library would leak its socket then."""
    if not address.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(address.removeprefix("unix://"))
        except OSError as error:
            raise SandboxError(_explain(error)) from error


if __name__ == "__main__":  # tools/docker.sh asks whether a daemon answers
    try:
        connect(timeout_s=10).close()
    except SandboxError as error:
        raise SystemExit(str(error)) from None
