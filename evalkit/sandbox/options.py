"""How every sandbox container is created. One home: the pool and `evalkit sandbox check` share it."""

import os
from typing import TYPE_CHECKING, Any

from evalkit.sandbox.client import Host
from evalkit.sandbox.owner import OWNER, SANDBOX, owner
from evalkit.sandbox.recipe import recipe

if TYPE_CHECKING:
    from docker.types import LogConfig, Ulimit

NUM_PROCESSES = 96
TMP_MIB = 64
SHM_MIB = 64
_PROGRAM_MIB = 16
_STACK_MIB = 512
_NUM_FILES = 1024
_CAPABILITIES = ["SETUID", "SETGID", "KILL"]
_FULL_HOST = Host()
_KIND = {"init": False, "auto_remove": True, "stdin_open": True, "tty": False}


def container_options(
    *,
    image: str,
    slot: int,
    memory_mib: int,
    host: Host = _FULL_HOST,
    runtime: str | None = None,
    language: str = "python",
) -> dict[str, Any]:
    """The arguments of `client.containers.create`. Swap counts as memory; /tmp and /dev/shm too.

    What `host` cannot do is left out, because Docker would refuse the container:
    `evalkit sandbox check` names it. `runtime="runsc"` is gVisor.
    """
    options = {
        "image": image,
        "environment": _environment(slot, host),
        "labels": {SANDBOX: "1", OWNER: owner(), "evalkit.slot": str(slot)},
        "log_config": _no_log(),
        **_KIND,
        **_walls(language),
        **_files(),
        **_limits(memory_mib, host),
    }
    if not host.is_rootless:
        # Belt and braces: the seccomp profile denies System V memory, but gVisor does not apply it.
        options["sysctls"] = {"kernel.shm_rmid_forced": "1"}
    if runtime is not None:
        options["runtime"] = runtime
    return options


def _walls(language: str) -> dict[str, Any]:
    return {
        "network_mode": "none",
        "ipc_mode": "private",
        "cap_drop": ["ALL"],
        "cap_add": list(_CAPABILITIES),
        "security_opt": ["no-new-privileges", f"seccomp={recipe(language).seccomp_profile}"],
    }


def _files() -> dict[str, Any]:
    return {
        "read_only": True,
        "shm_size": f"{SHM_MIB}m",
        "tmpfs": {
            "/tmp": f"size={TMP_MIB}m,mode=1777",
            "/program": f"size={_PROGRAM_MIB}m,mode=0755",
            "/dev/mqueue": "ro,size=4k,mode=0555",
        },
    }


def _limits(memory_mib: int, host: Host) -> dict[str, Any]:
    cpus = {"nano_cpus": 1_000_000_000} if host.has_cpu_quota else {}
    return cpus | {
        "mem_limit": f"{memory_mib}m",
        "memswap_limit": f"{memory_mib}m",
        "pids_limit": NUM_PROCESSES,
        "ulimits": _ulimits(),
    }


def _environment(slot: int, host: Host) -> dict[str, str]:
    first_uid, num_uids = _uids(os.getpid(), slot, host)
    return {
        "EVALKIT_FIRST_UID": str(first_uid),
        "EVALKIT_NUM_UIDS": str(num_uids),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _uids(pid: int, slot: int, host: Host) -> tuple[int, int]:
    """The first user and the number of users for this slot; every test runs as another one.

    They differ from slot to slot and, nearly always, from one evalkit to the next, because the
    kernel counts a user's processes over all containers. Where Docker maps users, a container
    has only 65,536 of them.
    """
    if host.maps_users:
        return 1000 + (pid * 7 + slot) % 126 * 512, 512
    return (1 << 24) + (pid % 2000 * 64 + slot % 64) * 32768, 32768


def _ulimits() -> "list[Ulimit]":
    from docker.types import Ulimit

    # Without a hard limit on the stack: many honest programs raise theirs to "unlimited" first.
    return [
        Ulimit(name="core", soft=0, hard=0),
        Ulimit(name="nofile", soft=_NUM_FILES, hard=_NUM_FILES),
        Ulimit(name="stack", soft=_STACK_MIB * 2**20, hard=-1),
    ]


def _no_log() -> "LogConfig":
    from docker.types import LogConfig

    return LogConfig(type=LogConfig.types.NONE)
