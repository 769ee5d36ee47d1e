"""The sandbox image: found by the hash of its recipe, built in two steps (a base, then the runner)."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.sandbox import image_debian, image_registry
from evalkit.sandbox.client import docker_errors
from evalkit.sandbox.image_step import BUILT_FROM, Report, Source, docker_build, make_readable
from evalkit.sandbox.recipe import Recipe, recipe
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

__all__ = [
    "INTERPRETER",
    "Image",
    "Source",
    "build_image",
    "find_image",
    "remove_old_images",
    "sandbox_identity",
]

RUNNER = "evalkit.runner"
PYTHON = "evalkit.python"
INTERPRETER = "/opt/evalkit/python"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`runner` is the hash of the recipe, `python` the full version of the interpreter inside."""

    name: str
    id: str
    runner: str
    python: str
    built_from: str


def sandbox_identity(image: Image) -> str:
    """What verdicts depend on: recipe (runner, packages, seccomp profile) and interpreter."""
    return hashlib.sha256(f"{image.runner}\n{image.python}".encode()).hexdigest()


def find_image(client: "DockerClient", language: str = "python") -> Image:
    """The image that fits this version of evalkit. Raises SandboxError where there is none."""
    from docker.errors import ImageNotFound

    wanted = recipe(language).image_name
    with docker_errors():
        try:
            return _described(wanted, client.images.get(wanted))
        except ImageNotFound:
            others = client.images.list(f"evalkit-{language}", filters={"label": RUNNER})
    names = sorted(tag for image in others for tag in image.tags)
    found = f"; there is {', '.join(names)}, made for another version of the runner"
    raise SandboxError(
        f"no sandbox image {wanted}{found if names else ''}: run `evalkit sandbox build`"
    )


def build_image(
    client: "DockerClient",
    *,
    language: str = "python",
    source: Source = Source.AUTO,
    report: Report,
    fresh: bool = False,
) -> Image:
    """Builds the image and returns it; takes a minute or two, or seconds where its base exists.

    `fresh` builds the base anew. `report` is called with each step. Raises SandboxError.
    """
    made_from = recipe(language)
    base = _find_base(client, made_from.base_name)
    if fresh or base is None or (source is not Source.AUTO and base[1] != source):
        base = _build_base(client, made_from, source, report)
    name, built_from = base
    report("adding the runner")
    with docker_errors():
        version = _python_version(client, name)
        labels = {RUNNER: made_from.runner_hash, PYTHON: version, BUILT_FROM: built_from}
        _build_top(client, made_from, name, labels)
        return find_image(client, language)


def remove_old_images(client: "DockerClient", language: str = "python") -> list[str]:
    """Removes evalkit's images of other versions that no container uses; returns their names."""
    current = {recipe(language).image_name, recipe(language).base_name}
    ours = (f"evalkit-{language}:", f"evalkit-{language}-base:")
    with docker_errors():
        images = client.images.list(filters={"label": BUILT_FROM})
        tags = {tag for image in images for tag in image.tags if tag.startswith(ours)}
        removed = [tag for tag in sorted(tags - current) if _remove(client, tag)]
        client.images.prune(filters={"dangling": True, "label": BUILT_FROM})
    return removed


def _remove(client: "DockerClient", name: str) -> bool:
    """False where a container uses the image."""
    from docker.errors import APIError

    try:
        client.images.remove(name)
    except APIError as error:
        if error.status_code == 409:
            return False
        raise
    return True


def _described(name: str, image: Any) -> Image:
    labels = image.labels
    return Image(
        name=name,
        id=image.id,
        runner=labels.get(RUNNER, ""),
        python=labels.get(PYTHON, ""),
        built_from=labels.get(BUILT_FROM, ""),
    )


def _find_base(client: "DockerClient", name: str) -> tuple[str, Source] | None:
    from docker.errors import ImageNotFound

    with docker_errors():
        try:
            image = client.images.get(name)
        except ImageNotFound:
            return None
    return name, Source(image.labels[BUILT_FROM])


def _build_base(
    client: "DockerClient", made_from: Recipe, source: Source, report: Report
) -> tuple[str, Source]:
    refused = ""
    if source is not Source.DEBIAN:
        wanted = made_from.start["registry_image"]
        report(f"asking for {wanted}")
        digest, refused = image_registry.resolve(wanted)
        if digest:
            image_registry.build(client, made_from, digest, report)
            return made_from.base_name, Source.REGISTRY
        if source is Source.REGISTRY:
            raise SandboxError(f"no registry can be reached: {refused}")
    if missing := image_debian.missing():
        both = f"no registry can be reached ({refused}), and " if refused else ""
        raise SandboxError(f"{both}the image cannot be made from Debian packages: {missing}")
    image_debian.build(client, made_from, report)
    return made_from.base_name, Source.DEBIAN


def _python_version(client: "DockerClient", base: str) -> str:
    code = "import platform, sys; print(platform.python_implementation(), *sys.version.split())"
    printed = client.containers.run(
        base,
        [INTERPRETER, "-I", "-c", code],
        network_mode="none",
        remove=True,
        log_config={"type": "json-file"},
    )
    return str(printed.decode().strip())


def _build_top(
    client: "DockerClient", made_from: Recipe, base: str, labels: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory(prefix="evalkit-sandbox-") as folder:
        context = Path(folder)
        shutil.copy(made_from.folder / "Dockerfile", context)
        for name, path in made_from.runner_files.items():
            (context / "runner" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, context / "runner" / name)
        make_readable(context)
        docker_build(
            client,
            context,
            dockerfile="Dockerfile",
            tag=made_from.image_name,
            buildargs={"BASE": base},
            labels=labels,
        )
