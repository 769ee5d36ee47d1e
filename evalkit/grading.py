"""Grades samples in the background and writes each grade down as soon as it is known."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from evalkit.graders.code_pool import CodePool
from evalkit.graders.opening import Pool, open_pool
from evalkit.progress import Progress
from evalkit.records import RunWriter, read_problems, read_samples, read_verdicts
from evalkit.types import Grade, Problem, Sample, SampleKey, Verdict

_MAX_WAITING = 2000


class RunGrading:
    """Grades the samples of a run, each task with the grader that the manifest names for it.

    Raises UsageError for an unknown grader when made; used with `with`, as Grading.
    """

    def __init__(
        self,
        manifest: Mapping[str, Any],
        writer: RunWriter,
        progress: Progress,
        num_workers: int | None = None,
    ) -> None:
        self._path = writer.path
        self._graders = {name: str(task["grader"]) for name, task in manifest["tasks"].items()}
        self._pools = {
            name: open_pool(
                name, num_workers=num_workers, unclosed_thinking=manifest["unclosed_thinking"]
            )
            for name in sorted(set(self._graders.values()))
        }
        self._gradings = {
            name: Grading(pool, writer, progress) for name, pool in self._pools.items()
        }
        self._stack = ExitStack()

    def describe(self) -> dict[str, dict[str, Any]]:
        """What the grades depend on besides the rules, by grader: the sandbox and its machine."""
        return {
            name: pool.describe()
            for name, pool in self._pools.items()
            if isinstance(pool, CodePool)
        }

    def submit(self, problem: Problem, sample: Sample) -> None:
        self._gradings[self._graders[sample.task]].submit(problem, sample)

    def ungraded(
        self, *, only_errors: bool = False, again: bool = False
    ) -> Iterator[tuple[str, set[SampleKey]]]:
        """Per task, the recorded samples to grade: those without a grade and grader errors."""
        for task, grader in self._graders.items():
            keys = {sample.key for sample in read_samples(self._path, task)}
            verdicts = read_verdicts(self._path, task, grader, self._pools[grader].profile)
            errors = {key for key, verdict in verdicts.items() if verdict is Verdict.GRADER_ERROR}
            if only_errors:
                yield task, keys & errors
            else:
                yield task, keys if again else keys - set(verdicts) | keys & errors

    def grade_recorded(self, task: str, keys: set[SampleKey]) -> None:
        if not keys:
            return
        problems = read_problems(self._path, task)
        for sample in read_samples(self._path, task):
            if sample.key in keys:
                self.submit(problems[sample.problem_id], sample)

    def __enter__(self) -> Self:
        for name, pool in self._pools.items():
            self._stack.enter_context(pool)
            self._stack.enter_context(self._gradings[name])
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


class Grading:
    """Leaving the `with` block without an error waits until everything is graded and written.

    After an error nothing more is written: what is cut short then is no grade, and is graded when
    the run is resumed. `submit` blocks while too much is waiting. It and the end of the block raise
    what went wrong first while grading or writing: our own failure is never swallowed.
    """

    def __init__(self, pool: Pool, writer: RunWriter, progress: Progress) -> None:
        self._pool = pool
        self._writer = writer
        self._progress = progress
        self._places = threading.Semaphore(_MAX_WAITING)
        self._failure: BaseException | None = None
        self._is_abandoned = False

    def submit(self, problem: Problem, sample: Sample) -> None:
        self._places.acquire()
        try:
            self._raise_failure()
            future = self._pool.submit(problem, sample)
        except BaseException:
            self._places.release()
            raise
        future.add_done_callback(lambda done: self._record(sample, done))

    def _record(self, sample: Sample, future: "Future[Grade]") -> None:
        try:
            grade = future.result()
            if self._is_abandoned:
                return
            self._writer.add_grade(sample.key, grade, self._pool.grader, self._pool.profile)
            self._progress.graded(grade)
        except CancelledError:
            pass  # the pool was closed early; a resumed run grades this sample
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
            self._failure = self._failure or error
        finally:
            self._places.release()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                for _ in range(_MAX_WAITING):
                    self._places.acquire()
                self._raise_failure()
        finally:
            self._is_abandoned = True
