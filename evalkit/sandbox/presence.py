"""Whether there is a sandbox to run programs in, now."""

from contextlib import closing

from evalkit.sandbox.client import connect
from evalkit.sandbox.image import find_image


def require_sandbox(*, timeout_s: float = 60.0, language: str = "python") -> None:
    """Raises SandboxError where Docker is silent for longer than that, or the image is missing."""
    with closing(connect(timeout_s=timeout_s)) as client:
        find_image(client, language)
