"""`evalkit sandbox`, the connection to Docker, and the removal of containers that were left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalkit.doctor import _docker
from evalkit.sandbox.client import close_attached, connect, host_of
from evalkit.sandbox.image import find_image
from evalkit.sandbox.options import container_options
from evalkit.sandbox.owner import OWNER, is_gone, owner, prune_dead
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

ROOT = Path(__file__).parent.parent


def sandbox(
    *arguments: str, folder: Path = ROOT, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from evalkit.cli import main; main()", "sandbox", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


@pytest.mark.parametrize("command", ["build", "check", "prune"])
def test_without_a_daemon_every_command_says_what_starts_one(command: str, tmp_path: Path) -> None:
    """One line, no traceback."""
    done = sandbox(command, DOCKER_HOST=f"unix://{tmp_path}/none.sock")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: Docker does not run here: start Docker Desktop, "
        "or `make docker` as root on Debian or Ubuntu\n"
    )


@contextmanager
def daemon(version: dict[str, object], *, delay_s: float = 0.0) -> Iterator[str]:
    """The address of a server that answers every question as a Docker daemon tells its version."""
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_over.wait(delay_s)
            answer = json.dumps(version).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.server_port}"
        finally:
            is_over.set()
            server.shutdown()
            thread.join()


def test_an_old_docker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lacks options that the sandbox relies on."""
    with daemon({"ApiVersion": "1.38", "Version": "18.06"}) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(SandboxError, match=r"speaks API 1\.38.*needs 1\.40"):
            connect()


def test_a_daemon_that_hangs_is_an_error_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no longer than the caller's time-out."""
    with daemon({"ApiVersion": "1.41"}, delay_s=20) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(SandboxError, match="Docker does not answer in time"):
            connect(timeout_s=0.2)


def test_an_address_that_is_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_HOST is named, because it is what has to be changed."""
    monkeypatch.setenv("DOCKER_HOST", "htp:/nonsense")

    with pytest.raises(SandboxError, match=r"DOCKER_HOST.*nonsense"):
        connect()


def test_without_permission_the_way_to_get_it_is_named(tmp_path: Path) -> None:
    """The socket is there and belongs to another user."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    import socket

    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o600)
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        # What `connect` imports is imported first: another user may not read this Python.
        code = (
            "import docker, os\n"
            "from docker.transport import unixconn\n"
            "from evalkit.sandbox.client import connect\n"
            "from evalkit.types import SandboxError\n"
            "os.setresuid(54321, 54321, 54321)\n"
            "try: connect()\n"
            "except SandboxError as error: print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "DOCKER_HOST": f"unix://{path}"},
        )

    assert done.stdout.startswith("no permission to use Docker: add yourself to the group docker")


def test_a_process_is_told_from_a_later_one_with_its_id() -> None:
    """The start time is part of the name."""
    name = owner()
    pid, start, place = name.split(":", 2)

    assert int(pid) == os.getpid()
    assert not is_gone(name)
    assert is_gone(f"{pid}:{int(start) - 1}:{place}")


def test_an_ended_process_is_gone_even_while_nobody_has_waited_for_it() -> None:
    """A zombie holds its id, but it will never come back to its containers."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = owner(child.pid)
    assert not is_gone(name)

    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(name)
    child.communicate()
    assert is_gone(name)


@pytest.mark.parametrize("name", ["", "nonsense", "7:1:another-boot:pid:[1]"])
def test_what_cannot_be_known_is_not_called_gone(name: str) -> None:
    """An evalkit in another container or on another machine may still need its containers."""
    assert not is_gone(name)


OWNER_CODE = """
import sys
from evalkit.sandbox.client import connect
from evalkit.sandbox.image import find_image
from evalkit.sandbox.options import container_options
client = connect()
options = container_options(image=find_image(client).name, slot=0, memory_mib=64)
options |= {"entrypoint": ["sleep", "300"], "command": []}
container = client.containers.create(**options)
container.start()
print(container.id, flush=True)
input()
"""


@pytest.fixture
def left_behind(sandbox_client: "DockerClient") -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A process and the container that it started; the container does not end by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER_CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    container_id = process.stdout.readline().strip()
    yield process, container_id
    process.kill()
    process.communicate()
    for container in sandbox_client.containers.list(
        all=True, filters={"id": container_id}, ignore_removed=True
    ):
        container.remove(force=True)


@pytest.mark.docker
def test_only_containers_of_dead_owners_are_pruned(
    sandbox_client: "DockerClient", left_behind: tuple["subprocess.Popen[str]", str]
) -> None:
    """After kill -9 of their evalkit they go at the next start, and not before."""
    process, container_id = left_behind
    prune_dead(sandbox_client)
    assert sandbox_client.containers.get(container_id).labels[OWNER] == owner(process.pid)

    process.send_signal(signal.SIGKILL)
    process.wait()
    done = sandbox("prune")
    assert (done.returncode, done.stderr) == (0, "")
    assert container_id[:12] in done.stdout
    assert (
        sandbox_client.containers.list(all=True, filters={"id": container_id}, ignore_removed=True)
        == []
    )


@pytest.mark.docker
def test_check_shows_every_property_and_succeeds(sandbox_client: "DockerClient") -> None:
    """The table says what holds on this host; the first line, which host that is."""
    done = sandbox("check")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Docker {host_of(sandbox_client).version} (")
    for title in ("no network", "read-only root", "memory limit", "runner out of reach"):
        (line,) = (line for line in done.stdout.splitlines() if line.startswith(title))
        assert " holds " in line


@pytest.mark.docker
def test_check_fails_where_a_required_property_does_not_hold(
    sandbox_client: "DockerClient", tmp_path: Path
) -> None:
    """As an evalkit would that forgot the read-only root."""
    for name in ("evalkit", "sandboxes"):
        shutil.copytree(ROOT / name, tmp_path / name)
    options = tmp_path / "evalkit" / "sandbox" / "options.py"
    options.write_text(options.read_text().replace('"read_only": True', '"read_only": False'))
    done = sandbox("check", PYTHONPATH=str(tmp_path), folder=tmp_path)

    (line,) = (one for one in done.stdout.splitlines() if one.startswith("read-only root"))
    assert (done.returncode, done.stderr) == (1, "")
    assert " FAILS     can write in /, " in line


@pytest.mark.docker
def test_doctor_names_version_and_image(sandbox_client: "DockerClient") -> None:
    """And the interpreter in the image."""
    image = find_image(sandbox_client)
    found = _docker()

    assert found.is_ok
    assert found.text == f"{host_of(sandbox_client).version}, {image.name} ({image.python})"


@pytest.mark.docker
def test_a_runtime_that_is_not_installed_is_an_error(sandbox_client: "DockerClient") -> None:
    """The runtimes that this daemon has are listed."""
    done = sandbox("check", "--runtime", "runx")

    assert done.returncode == 1
    assert "no runtime 'runx'; it has: " in done.stderr


@pytest.mark.docker
def test_a_container_ends_with_the_connection_of_its_evalkit(
    sandbox_client: "DockerClient",
) -> None:
    """The runner's stdin is that connection: even without pruning, nothing is left."""
    options = container_options(image=find_image(sandbox_client).name, slot=0, memory_mib=128)
    container = sandbox_client.containers.create(**options)
    attached = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    container.start()
    close_attached(attached)

    is_there = True
    deadline = time.monotonic() + 10
    while is_there and time.monotonic() < deadline:
        is_there = bool(
            sandbox_client.containers.list(
                all=True, filters={"id": container.id}, ignore_removed=True
            )
        )
    assert not is_there
