"""The pool for a grader by its name: one for mathematics, one for programs."""

from collections.abc import Iterable

from evalkit.graders.code_pool import MODES, CodePool
from evalkit.graders.pool import GraderPool
from evalkit.spec import GRADERS
from evalkit.types import unknown

Pool = GraderPool | CodePool


def open_pool(
    grader: str, *, num_workers: int | None = None, unclosed_thinking: str = "no_answer"
) -> Pool:
    """Raises UsageError for an unknown name, SandboxError where programs cannot be run here."""
    if grader not in GRADERS:
        raise unknown("grader", grader, list(GRADERS))
    kind = CodePool if grader in MODES else GraderPool
    return kind(grader, num_workers=num_workers, unclosed_thinking=unclosed_thinking)


def check_available(graders: Iterable[str]) -> None:
    """Raises SandboxError where one of them needs a sandbox that is not there."""
    if not MODES.keys().isdisjoint(graders):
        from evalkit.sandbox.client import connect
        from evalkit.sandbox.image import find_image

        client = connect()
        try:
            find_image(client)
        finally:
            client.close()
