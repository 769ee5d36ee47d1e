"""Items of one request on their way to a grade or an error: every future gets one of the two."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass

from evalkit.graders.channel import RefusedError
from evalkit.types import Grade, Verdict

Ask = Callable[[Sequence[bytes]], Sequence[Grade]]

_NUM_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """`body` is the item as the request has it."""

    body: bytes
    future: "Future[Grade]"

    def finish(self, grade: Grade) -> None:
        with suppress(InvalidStateError):  # cancelled when the pool was closed
            self.future.set_result(grade)

    def fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self.future.set_exception(error)


def settle(items: Sequence[Item], ask: Ask) -> None:
    """Asks for all grades together, and again for those that the server had no time for.

    Where the server refuses them because of one item, only that item fails.
    """
    for num_left in reversed(range(_NUM_ATTEMPTS)):
        if items:
            items = _settle(items, ask, keeps_late=num_left > 0)


def _settle(items: Sequence[Item], ask: Ask, *, keeps_late: bool) -> list[Item]:
    """Those that came too late and are left to another attempt."""
    try:
        grades = ask([item.body for item in items])
    except RefusedError as refusal:
        if refusal.may_be_one and len(items) > 1:
            middle = len(items) // 2
            first = _settle(items[:middle], ask, keeps_late=keeps_late)
            return first + _settle(items[middle:], ask, keeps_late=keeps_late)
        return _fail(items, refusal)
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the grades
        return _fail(items, error)
    late = []
    for item, grade in zip(items, grades, strict=True):
        if keeps_late and _is_late(grade):
            late.append(item)
        else:
            item.finish(grade)
    return late


def _fail(items: Sequence[Item], error: BaseException) -> list[Item]:
    for item in items:
        item.fail(error)
    return []


def _is_late(grade: Grade) -> bool:
    return grade.verdict is Verdict.GRADER_ERROR and grade.rule == "deadline"
