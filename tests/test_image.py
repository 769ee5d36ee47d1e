"""The sandbox image: what names it, what is in it, how it is built and found."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalkit.sandbox.image import INTERPRETER, Image, find_image, sandbox_identity
from evalkit.sandbox.recipe import Recipe, recipe
from evalkit.sandbox.wheels import install_wheels, platforms
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

ROOT = Path(__file__).parent.parent


@pytest.fixture
def copied(tmp_path: Path) -> Recipe:
    """A copy of the recipe that a test may change."""
    return Recipe("python", Path(shutil.copytree(recipe().folder, tmp_path / "python")))


@pytest.mark.parametrize(
    "name",
    ["runner/main.py", "requirements.txt", "seccomp.json", "Dockerfile", "finish.sh", "image.json"],
)
def test_every_ingredient_changes_the_hash(copied: Recipe, name: str) -> None:
    """Verdicts made with another runner, package, profile or build step are not mixed up."""
    before = copied.runner_hash
    with (copied.folder / name).open("a") as file:
        file.write("\n")

    assert before == recipe().runner_hash
    assert copied.runner_hash != before


def test_a_new_module_of_the_runner_changes_the_hash(copied: Recipe) -> None:
    """Also where it is empty: a name can hide a module of the standard library."""
    (copied.folder / "runner" / "json.py").touch()

    assert copied.runner_hash != recipe().runner_hash


def test_caches_do_not_change_the_hash(copied: Recipe) -> None:
    """Running the runner's modules on this machine leaves the image valid."""
    (copied.folder / "runner" / "__pycache__").mkdir(exist_ok=True)
    (copied.folder / "runner" / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"x")

    assert copied.runner_hash == recipe().runner_hash


def test_the_base_does_not_depend_on_the_runner(copied: Recipe) -> None:
    """A change of the runner costs seconds: what takes a minute is kept."""
    (copied.folder / "runner" / "main.py").write_text("")
    assert copied.base_hash == recipe().base_hash

    (copied.folder / "requirements.txt").write_text("")
    assert copied.base_hash != recipe().base_hash


def test_the_identity_is_of_recipe_and_interpreter_and_not_of_the_build() -> None:
    """The id of an image changes with each build; a verdict does not."""
    image = Image(name="a", id="1", runner="r", python="CPython 3.11.2", built_from="debian")
    rebuilt = Image(name="a", id="2", runner="r", python="CPython 3.11.2", built_from="registry")
    newer = Image(name="a", id="1", runner="r", python="CPython 3.11.3", built_from="debian")
    changed = Image(name="a", id="1", runner="s", python="CPython 3.11.2", built_from="debian")

    assert sandbox_identity(image) == sandbox_identity(rebuilt)
    assert len({sandbox_identity(one) for one in (image, newer, changed)}) == 3


def test_every_package_is_pinned_by_hash_for_both_architectures() -> None:
    """Compiled packages have a wheel for each; pure Python packages one for both."""
    text = (recipe().folder / "requirements.txt").read_text().replace("\\\n", " ")
    pins = [line.split() for line in text.splitlines() if not line.startswith("#")]
    wanted = (recipe().folder / "requirements.in").read_text().splitlines()

    assert {line for line in wanted if not line.startswith("#")} <= {pin for pin, *_ in pins}
    assert {pin.split("==")[0]: len(hashes) for pin, *hashes in pins} == {
        "mpmath": 1,
        "numpy": 2,
        "scipy": 2,
        "sortedcontainers": 1,
        "sympy": 1,
    }


def test_an_unknown_architecture_names_the_known_ones(tmp_path: Path) -> None:
    """There are wheels for two architectures, under the names that Docker and kernels use."""
    with pytest.raises(SandboxError, match=r"'riscv64' \(aarch64, amd64, arm64, x86_64\)"):
        install_wheels(recipe(), tmp_path, "riscv64")
    assert platforms("amd64") == platforms("x86_64")
    assert all(tag.endswith("_aarch64") for tag in platforms("arm64"))


def run_evalkit(tree: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command line of the copy of evalkit in `tree`."""
    return subprocess.run(
        [sys.executable, "-c", "from evalkit.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
    )


@pytest.fixture
def changed_tree(tmp_path: Path, sandbox_client: "DockerClient") -> Iterator[Path]:
    """Another version of evalkit, with a runner of its own; its image is removed afterwards."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("evalkit", "sandboxes"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    main = tmp_path / "sandboxes" / "python" / "runner" / "main.py"
    main.write_text("print('runner of the test')\n")
    yield tmp_path
    name = Recipe("python", tmp_path / "sandboxes" / "python").image_name
    if sandbox_client.images.list(name):
        sandbox_client.images.remove(name)


@pytest.mark.docker
def test_an_image_of_another_runner_is_not_used(changed_tree: Path) -> None:
    """The message says which image is missing, which there are, and what makes the right one."""
    done = run_evalkit(changed_tree, "sandbox", "check")

    name = Recipe("python", changed_tree / "sandboxes" / "python").image_name
    assert done.returncode == 1
    assert f"no sandbox image {name}; there is " in done.stderr
    assert recipe().image_name in done.stderr
    assert done.stderr.rstrip().endswith("run `evalkit sandbox build`")


@pytest.mark.docker
def test_build_adds_a_changed_runner_to_the_base(
    changed_tree: Path, sandbox_client: "DockerClient"
) -> None:
    """The new image starts the new runner; nothing but that layer is made."""
    done = run_evalkit(changed_tree, "sandbox", "build")
    again = run_evalkit(changed_tree, "sandbox", "build", "--if-missing")

    assert (done.returncode, done.stderr) == (0, "adding the runner\n")
    name = done.stdout.partition(": CPython 3.11.")[0]
    assert again.stdout == f"{name} exists\n"
    assert sandbox_client.containers.run(name, network_mode="none", remove=True) == (
        b"runner of the test\n"
    )


@pytest.mark.docker
def test_an_unknown_language_names_the_known_ones(sandbox_client: "DockerClient") -> None:
    """A language is a directory below `sandboxes/`."""
    done = run_evalkit(ROOT, "sandbox", "build", "cobol")

    assert done.returncode == 2
    assert done.stderr == "error: unknown language of a sandbox 'cobol'; known: python\n"


@pytest.mark.docker
def test_only_old_images_of_the_language_are_removed(
    changed_tree: Path, sandbox_client: "DockerClient"
) -> None:
    """Those of the current version, of other languages and of others stay."""
    shutil.copytree(changed_tree / "sandboxes" / "python", changed_tree / "sandboxes" / "toy")
    toy = Recipe("toy", changed_tree / "sandboxes" / "toy").image_name
    python = sandbox_client.images.get(find_image(sandbox_client).name)
    tags = [*python.tags]
    for name in ("evalkit-toy:old", toy, "evalkit-toytoy:old"):
        python.tag(name)
    code = (
        "from evalkit.sandbox.client import connect\n"
        "from evalkit.sandbox.image import remove_old_images\n"
        "client = connect(); print(remove_old_images(client, 'toy')); client.close()"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            cwd=changed_tree,
            env={**os.environ, "PYTHONPATH": str(changed_tree)},
        )
    finally:
        python.reload()
        for name in set(python.tags) - set(tags):
            sandbox_client.images.remove(name)

    assert (done.stdout, done.stderr) == ("['evalkit-toy:old']\n", "")
    assert set(python.tags) - set(tags) == {toy, "evalkit-toytoy:old"}


LOOK = """
import json, os, stat, sys
import numpy, scipy.optimize, sortedcontainers, sympy, mpmath
modes = {}
for folder, names, files in os.walk("/"):
    if folder == "/":
        names[:] = [name for name in names if name not in ("proc", "sys", "dev")]
    for name in [*names, *files]:
        path = os.path.join(folder, name)
        mode = os.lstat(path).st_mode
        if not stat.S_ISLNK(mode) and mode & 0o7002:
            modes[path] = oct(mode)
print(json.dumps({
    "modes": modes,
    "tools": [one for one in ("apt", "dpkg", "pip", "perl", "gcc") if __import__("shutil").which(one)],
    "version": sys.version_info[:2],
    "is_isolated": sys.flags.isolated,
    "compiled": all(os.path.exists(m.__cached__) for m in (json, numpy, sympy) if m.__cached__),
    "product": str(sympy.Integer(6) * 7) + str(numpy.arange(3).sum()),
}))
"""


@pytest.mark.docker
def test_the_image_has_the_packages_and_nothing_that_raises_privileges(
    sandbox_client: "DockerClient",
) -> None:
    """As any user: the packages import, compiled; no setuid file, nothing writable, no installer."""
    printed = sandbox_client.containers.run(
        find_image(sandbox_client).name,
        [LOOK],
        entrypoint=[INTERPRETER, "-I", "-c"],
        user="54321:54321",
        network_mode="none",
        remove=True,
    )

    assert json.loads(printed) == {
        "modes": {"/tmp": oct(0o041777)},
        "tools": [],
        "version": [3, 11],
        "is_isolated": 1,
        "compiled": True,
        "product": "423",
    }


@pytest.mark.docker
def test_the_image_holds_the_runner_of_this_version(sandbox_client: "DockerClient") -> None:
    """Its labels say from what it was made, and it starts the runner with an isolated Python."""
    image = find_image(sandbox_client)
    attributes = sandbox_client.images.get(image.name).attrs["Config"]

    assert image.runner == recipe().runner_hash
    assert image.python.startswith("CPython 3.11.")
    assert image.built_from in ("debian", "registry")
    assert attributes["Entrypoint"] == [INTERPRETER, "-I", "/opt/evalkit/runner/main.py"]
    listed = sandbox_client.containers.run(
        image.name,
        ["/opt/evalkit/runner", "-name", "*.py", "-printf", "%P\\n"],
        entrypoint="find",
        network_mode="none",
        remove=True,
    )
    assert set(listed.decode().split()) == set(recipe().runner_files)
