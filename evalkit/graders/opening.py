"""The pool for a grader by its name: for mathematics, for programs, or on reward servers."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from evalkit.graders.code_pool import MODES, CodePool
from evalkit.graders.pool import GraderPool
from evalkit.spec import GRADERS
from evalkit.types import unknown

if TYPE_CHECKING:
    from evalkit.graders.remote import RemotePool

Pool: TypeAlias = "GraderPool | CodePool | RemotePool"


def open_pool(
    grader: str, *, num_workers: int | None = None, unclosed_thinking: str = "no_answer"
) -> GraderPool | CodePool:
    """In process. Raises UsageError for an unknown name, SandboxError where programs cannot be run."""
    if grader not in GRADERS:
        raise unknown("grader", grader, list(GRADERS))
    kind = CodePool if grader in MODES else GraderPool
    return kind(grader, num_workers=num_workers, unclosed_thinking=unclosed_thinking)


def open_reward_pool(
    grader: str, *, urls: Sequence[str] = (), num_workers: int | None = None
) -> Pool:
    """On the reward servers at `urls`; where there are none, in process, as `open_pool`.

    Raises UsageError for what is no address. The servers are asked only when something is graded.
    """
    if not urls:
        return open_pool(grader, num_workers=num_workers)
    from evalkit.graders.remote import RemotePool  # httpx takes a while

    return RemotePool(urls, grader)


def check_available(graders: Iterable[str], *, urls: Sequence[str] = ()) -> None:
    """Raises SandboxError where one of them needs a sandbox that is not there.

    With `urls` that is the servers' affair; then RewardServerError where none of them answers.
    """
    if urls:
        from evalkit.graders.remote import RemotePool

        RemotePool(urls).check()
    elif not MODES.keys().isdisjoint(graders):
        from evalkit.sandbox.presence import require_sandbox

        require_sandbox()
