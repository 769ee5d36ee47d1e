"""CPU seconds so far, by what used them: this process and its commands, Docker, containers, the machine."""

import os
from collections.abc import Set
from contextlib import suppress

import psutil
from docker import DockerClient
from docker.errors import NotFound


def cpu_seconds(client: DockerClient, ids: Set[str]) -> dict[str, float]:
    """The containers are those of `ids`; one that is gone counts nothing.

    The daemons are dockerd and containerd, with the shims of `ids`. What they and the machine used
    is not divided by user: it says something only where nobody else is at work.
    """
    machine = psutil.cpu_times()
    inside = {"containers": sum(_of_container(client, one) for one in ids)} if ids else {}
    return {
        "client": sum(os.times()[:4]),
        "daemons": sum(_of_daemon(one, ids) for one in psutil.process_iter()),
        **inside,
        "machine": machine.user + machine.system,
    }


def _of_daemon(process: psutil.Process, ids: Set[str]) -> float:
    with suppress(psutil.NoSuchProcess):
        is_daemon = process.name() in ("dockerd", "containerd")
        is_shim = process.name().startswith("containerd-shim")
        if is_daemon or (is_shim and not ids.isdisjoint(process.cmdline())):
            return sum(process.cpu_times()[:2])
    return 0.0


def _of_container(client: DockerClient, container_id: str) -> float:
    with suppress(NotFound):
        stats = client.api.stats(container_id, stream=False, one_shot=True)
        return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
    return 0.0
