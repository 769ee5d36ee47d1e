"""Grades samples in the background and writes each grade down as soon as it is known."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Self

from evalkit.backlog import Backlog
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
    """Samples on their way through one pool; used with `with`, and as a Backlog.

    What an error cuts short is no grade, and is graded when the run is resumed.
    """

    def __init__(self, pool: Pool, writer: RunWriter, progress: Progress) -> None:
        self._pool = pool
        self._writer = writer
        self._progress = progress
        self._backlog = Backlog(_MAX_WAITING)

    def submit(self, problem: Problem, sample: Sample) -> None:
        """Blocks while too much is waiting."""
        self._backlog.add(
            lambda: self._pool.submit(problem, sample),
            lambda done: self._record(sample.key, done.result()),
        )

    def _record(self, key: SampleKey, grade: Grade) -> None:
        self._writer.add_grade(key, grade, self._pool.grader, self._pool.profile)
        self._progress.graded(grade)

    def __enter__(self) -> Self:
        self._backlog.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._backlog.__exit__(*error)


def sample_of(text: str) -> Sample:
    """A completion that belongs to no run: nothing is known of it but its text."""
    return Sample(
        task="",
        problem_id="",
        index=0,
        seed=None,
        text=text,
        finish_reason=None,
        num_tokens=None,
    )
