"""The base of the sandbox image from the official Python image, where a registry is reachable."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.sandbox.client import connect, docker_errors, host_of
from evalkit.sandbox.image_step import BUILT_FROM, Report, Source, docker_build, make_readable
from evalkit.sandbox.recipe import Recipe
from evalkit.sandbox.wheels import install_wheels
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

_ASKING_S = 15


def resolve(image: str) -> tuple[str, str]:
    """The image with its tag pinned by its digest and "", or "" and the reason why it cannot be had."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        client = connect(timeout_s=_ASKING_S)
    except SandboxError as error:
        return "", str(error)
    try:
        answer = client.api.inspect_distribution(image)
    except (DockerException, RequestException) as error:
        return "", " ".join(str(error).split())[:200]
    finally:
        client.close()
    return f"{image}@{answer['Descriptor']['digest']}", ""


def build(client: "DockerClient", made_from: Recipe, base: str, report: Report) -> None:
    """Builds the base of a recipe from the image `base`. Raises SandboxError."""
    with tempfile.TemporaryDirectory(prefix="evalkit-sandbox-") as folder:
        context = Path(folder)
        report("fetching Python packages")
        install_wheels(made_from, context / "packages", host_of(client).architecture)
        for name in ("base.Dockerfile", "finish.sh"):
            shutil.copy(made_from.folder / name, context)
        make_readable(context)
        report(f"building on {base}")
        docker_build(
            client,
            context,
            dockerfile="base.Dockerfile",
            tag=made_from.base_name,
            buildargs={"FROM": base},
            labels={BUILT_FROM: Source.REGISTRY, "evalkit.base": base},
        )
    with docker_errors():
        client.images.prune(filters={"dangling": True, "label": "evalkit.stage=full"})
