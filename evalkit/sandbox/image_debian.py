"""The base of the sandbox image from Debian packages, where no registry can be reached."""

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.sandbox.client import docker_errors, host_of
from evalkit.sandbox.image_step import BUILT_FROM, Report, Source, make_readable
from evalkit.sandbox.recipe import Recipe
from evalkit.sandbox.wheels import install_wheels
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


def missing() -> str:
    """What this way needs and does not find, with what mends it; empty where all is there."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        return "this needs Linux and root (`sudo -E`)"
    absent = [name for name in ("debootstrap", "chroot", "tar") if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} missing (`apt-get install debootstrap`)"
    if not _KEYRING.exists():
        return f"{_KEYRING} missing (`apt-get install debian-archive-keyring`)"
    return ""


def build(client: "DockerClient", made_from: Recipe, report: Report) -> None:
    """Builds the base of a recipe and imports it. Raises SandboxError."""
    host = host_of(client)
    if host.architecture != platform.machine():
        raise SandboxError(
            f"Docker runs on {host.architecture}, this machine is {platform.machine()}: "
            "build the image where Docker runs"
        )
    with tempfile.TemporaryDirectory(prefix="evalkit-sandbox-") as folder:
        root, archive = Path(folder, "root"), Path(folder, "base.tar")
        report(f"installing Debian {made_from.start['debian_suite']}")
        _install_debian(root, made_from)
        report("fetching Python packages")
        packages = root / "opt" / "evalkit" / "packages"
        install_wheels(made_from, packages, host.architecture)
        make_readable(packages.parent)
        shutil.copy(made_from.folder / "finish.sh", packages.parent)
        report("trimming and compiling")
        _run(["chroot", str(root), "/bin/sh", "/opt/evalkit/finish.sh"], env=_ENVIRONMENT)
        report("importing into Docker")
        _pack(root, archive)
        _load(client, archive, made_from.base_name)


def _install_debian(root: Path, made_from: Recipe) -> None:
    start = made_from.start
    command = ["debootstrap", "--variant=minbase", "--force-check-gpg", f"--keyring={_KEYRING}"]
    packages = f"--include={','.join(start['debian_packages'])}"
    environment = {**os.environ, **_ENVIRONMENT}
    try:
        _run([*command, packages, start["debian_suite"], str(root)], env=environment)
    finally:
        # Killed in between, debootstrap leaves its mounts, and deleting `root` would enter them.
        for name in ("proc", "sys"):
            if os.path.ismount(root / name):
                _run(["umount", "--lazy", str(root / name)], env=_ENVIRONMENT)


def _pack(root: Path, archive: Path) -> None:
    excluded = [f"--exclude=./{name}/*" for name in ("dev", "proc", "sys", "run")]
    where = ["--create", f"--file={archive}", f"--directory={root}"]
    _run(["tar", "--numeric-owner", "--sort=name", *excluded, *where, "."], env=_ENVIRONMENT)


def _load(client: "DockerClient", archive: Path, tag: str) -> None:
    repository, _, version = tag.partition(":")
    with docker_errors():
        client.api.import_image_from_file(
            str(archive),
            repository=repository,
            tag=version,
            changes=[
                f"LABEL {BUILT_FROM}={Source.DEBIAN}",
                "ENV PATH=/usr/local/bin:/usr/bin:/bin",
            ],
        )


def _run(command: list[str], *, env: dict[str, str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode != 0:
        tail = " | ".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise SandboxError(f"{command[0]} failed with code {done.returncode}: {tail}")
