"""What is importable, how light that is, and what a wheel holds."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import evalkit

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "vllm", "docker", "sympy", "pandas", "transformers", "datasets", "matplotlib")


def test_public_names_are_pinned() -> None:
    """A name that appears or disappears is a decision."""
    assert evalkit.__all__ == [
        "EvalkitError",
        "Grade",
        "Run",
        "RunSpec",
        "Sample",
        "Verdict",
        "grade",
        "load_run",
        "run",
    ]


@pytest.mark.parametrize("name", evalkit.__all__)
def test_public_names_are_importable(name: str) -> None:
    """Every public name is what its home module has under that name."""
    value = getattr(evalkit, name)

    assert value is getattr(importlib.import_module(value.__module__), name)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    """The lazy lookup hides no typing error."""
    with pytest.raises(AttributeError, match="module 'evalkit' has no attribute 'runn'"):
        _ = evalkit.runn


def python(code: str, *, cwd: Path | None = None, path: Path | None = None) -> str:
    environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import evalkit",
        "from evalkit import EvalkitError, Grade, RunSpec, Sample, Verdict",
        "import sys; sys.argv[1:] = ['--help']; from evalkit.cli import main; quiet(main)",
        "import sys; sys.argv[1:] = ['run', '--help']; from evalkit.cli import main; quiet(main)",
        "import sys; sys.argv[1:] = ['check-vectors', '-h']; "
        "from evalkit.cli import main; quiet(main)",
        "import evalkit.train.algorithms",
    ],
)
def test_imports_and_help_are_light(code: str) -> None:
    """A fresh interpreter loads none of the libraries that take seconds."""
    quiet = (
        "import contextlib, io\n"
        "def quiet(f):\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): f()\n"
    )
    shown = python(f"{quiet}{code}\nimport sys; print(*sys.modules)")

    assert set(HEAVY) & set(shown.split()) == set()


@pytest.fixture(scope="module")
def repository() -> set[str]:
    """The files of the checkout that git does not ignore."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("needs the git checkout")
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    done = subprocess.run(
        [*command, "--cached", "--others", "--exclude-standard"], capture_output=True, check=True
    )
    return {name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def tree(repository: set[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of those files, with others among them that git would ignore.

    A parent directory with the name of an ignore pattern once made hatchling ship everything.
    """
    tree = tmp_path_factory.mktemp("parent") / "dist" / "evalkit"
    ignored = {
        ".venv/secret.py",
        "dist/secret.py",
        "evalkit/__pycache__/secret.py",
        "results/run/manifest.json",
        "results/secret.yaml",
        "sandboxes/python/runner/__pycache__/secret.py",
        "tasks/__pycache__/secret.py",
        "tests/attacks/__pycache__/secret.py",
        "tasks/demo/checkpoint/__pycache__/secret",
    }
    for name in repository | ignored:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        if name in ignored:
            (tree / name).write_text("secret")
        else:
            shutil.copy(ROOT / name, tree / name)
    return tree


@pytest.fixture(scope="module")
def wheel(tree: Path) -> Path:
    """A wheel built from that copy, without a network."""
    python("from hatchling.build import build_wheel; print(build_wheel('out'))", cwd=tree)
    (built,) = (tree / "out").glob("*.whl")
    return built


def test_wheel_holds_nothing_that_git_ignores(wheel: Path, repository: set[str]) -> None:
    """Every file of the wheel is one of the repository."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {re.sub(r"^evalkit/_data/", "", name) for name in names}

    assert sources - repository == set()


def test_wheel_holds_the_package_and_its_data(wheel: Path, repository: set[str]) -> None:
    """All modules, the type marker, schemas, tasks, the demo checkpoint, the published numbers, and
    what the sandbox is built from and attacked with.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {name for name in repository if name.startswith("evalkit/")}
    tasks = {name for name in repository if re.match(r"tasks/(?!.*\.md$)", name)}

    assert package - names == set()
    assert {f"evalkit/_data/{name}" for name in tasks} - names == set()
    assert "evalkit/_data/results/reference/published.yaml" in names
    sandbox = {name for name in repository if name.startswith(("sandboxes/", "tests/attacks/"))}
    assert {f"evalkit/_data/{name}" for name in sandbox} - names == set()
    assert "evalkit/_data/sandboxes/python/runner/main.py" in names


def test_installed_wheel_finds_its_data(wheel: Path, tmp_path: Path) -> None:
    """Outside the checkout the commands list the tasks and find checkpoint and references."""
    target = tmp_path / "site"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-index", "--target", str(target), str(wheel)),
        ],
        check=True,
    )
    (tmp_path / "empty").mkdir()
    shown = python(
        "import evalkit, sys\n"
        "from evalkit.resources import resource_dir\n"
        "print(evalkit.__file__, resource_dir('tasks'), resource_dir('results/reference'))\n"
        "from evalkit.task import load_task\n"
        "print(len(load_task('demo').problems()))\n"
        "from evalkit.checkpoint import open_checkpoint\n"
        "print(open_checkpoint(str(resource_dir('tasks') / 'demo' / 'checkpoint')).path)\n"
        "sys.argv[1:] = ['tasks', 'list']\n"
        "from evalkit.cli import main; main()",
        cwd=tmp_path / "empty",
        path=target,
    )

    first, count, checkpoint, *table = shown.splitlines()
    inside = target / "evalkit" / "_data"
    assert first.split() == [
        *(str(target / "evalkit" / "__init__.py"), str(inside / "tasks")),
        str(inside / "results" / "reference"),
    ]
    assert count == "200"
    assert checkpoint == str(inside / "tasks" / "demo" / "checkpoint")
    for name in ("aime24", "olympiad_675", "suite: aime24", "arXiv 2510.06062v2"):
        assert name in "\n".join(table)
