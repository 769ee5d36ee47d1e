"""What is done to servers under load: parts of them are killed, one is restarted, Docker is restarted."""

import os
import random
import subprocess
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
from serve_process import Server, started

_TOOL = Path(__file__).parents[1] / "tools" / "docker.sh"
_DOCKER_PID = Path("/var/run/docker.pid")
_DOCKER_STOP_S = 60.0


class Trouble:
    """`servers` always has the ones that run. `done` counts what was done, by kind."""

    def __init__(self, servers: list[Server], stack: ExitStack, *, seed: int) -> None:
        self._servers = servers
        self._stack = stack
        self._chance = random.Random(seed)
        self.done: Counter[str] = Counter()

    def kill_something(self) -> None:
        """As the kernel does: at once. Nothing happens where a server has no such part just now."""
        server = self._chance.choice(self._servers)
        match self._chance.choice(("worker", "supervisor", "container")):
            case "worker":
                workers = [one for parent in server.supervisors() for one in parent.children()]
                self._kill("worker killed", workers)
            case "supervisor":
                self._kill("supervisor killed", server.supervisors())
            case "container":
                self._kill_container(server)

    def restart_server(self) -> None:
        """The first one: SIGTERM, and when it has ended, a new one on the same port."""
        old = self._servers[0]
        old.stop()
        self._servers[0] = self._stack.enter_context(started(*old.arguments, port=old.port))
        self.done["server restarted"] += 1

    def restart_docker(self) -> None:
        daemon = docker_daemon()
        daemon.terminate()
        daemon.wait(_DOCKER_STOP_S)
        subprocess.run(["bash", str(_TOOL)], check=True)
        self.done["Docker restarted"] += 1

    def _kill(self, name: str, processes: list[psutil.Process]) -> None:
        if processes:
            with suppress(psutil.NoSuchProcess):
                self._chance.choice(processes).kill()
                self.done[name] += 1

    def _kill_container(self, server: Server) -> None:
        from docker.errors import APIError

        if containers := server.containers():
            with suppress(APIError):  # it may have ended by itself
                self._chance.choice(containers).kill()
                self.done["container killed"] += 1


def docker_daemon() -> psutil.Process:
    """The one that tools/docker.sh started. Raises SystemExit where there is no such one."""
    if os.geteuid() == 0 and _DOCKER_PID.exists():
        daemon = psutil.Process(int(_DOCKER_PID.read_text()))
        if {"--iptables=false", "--bridge=none"} <= set(daemon.cmdline()):
            return daemon
    raise SystemExit(f"Docker is only restarted by root, and where {_TOOL.name} started it")
