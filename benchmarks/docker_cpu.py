"""CPU seconds so far, by what used them: this process and its commands, Docker, containers, the machine."""

import os
from collections.abc import Collection
from contextlib import suppress

import psutil
from docker import DockerClient
from docker.errors import NotFound


def cpu_seconds(client: DockerClient, ids: Collection[str]) -> dict[str, float]:
    """The containers are those of `ids`; one that is gone counts nothing.

    What dockerd and containerd (with their shims) and the machine used is not divided by user: it
    says something only where nobody else is at work.
    """
    machine = psutil.cpu_times()
    inside = {"containers": sum(_of_container(client, one) for one in ids)} if ids else {}
    return {
        "client": sum(os.times()[:4]),
        "daemons": sum(map(_of_daemon, psutil.process_iter())),
        **inside,
        "machine": machine.user + machine.system,
    }


def _of_daemon(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        if process.name().startswith(("dockerd", "containerd")):
            return sum(process.cpu_times()[:2])
    return 0.0


def _of_container(client: DockerClient, container_id: str) -> float:
    with suppress(NotFound):
        stats = client.api.stats(container_id, stream=False, one_shot=True)
        return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
    return 0.0
