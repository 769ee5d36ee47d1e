"""Grades every reference answer against itself: a task whose own answers fail cannot be scored."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from evalkit.graders.pool import GraderPool
from evalkit.task import Task
from evalkit.teststore import Store, cases_sha256
from evalkit.types import Answer, CodeTests, DataError, Grade, Problem, Sample, Verdict


@dataclass(frozen=True, slots=True)
class Validation:
    """`failures` are the problems whose own answer is not CORRECT, with the grade it got.

    `num_tests` counts the tests of a code task, which has no answers to grade.
    """

    task: Task
    num_problems: int
    failures: tuple[tuple[Problem, Grade], ...]
    num_tests: int | None = None


def validate_task(task: Task, pool: GraderPool | None, data_dir: Path | None = None) -> Validation:
    """Raises DataError where the rows are not the pinned ones.

    The tests of code tasks are read and decoded, but there is no program to grade, and no pool
    is needed.
    """
    problems = task.problems(data_dir)
    if task.is_code or pool is None:
        return Validation(task, len(problems), (), num_tests=_count_tests(problems))
    return Validation(task, len(problems), tuple(_failures(task, problems, pool)))


def _failures(
    task: Task, problems: list[Problem], pool: GraderPool
) -> Iterator[tuple[Problem, Grade]]:
    futures = [(problem, pool.submit(problem, _own_answer(task, problem))) for problem in problems]
    for problem, future in futures:
        if future.result().verdict is not Verdict.CORRECT:
            yield problem, future.result()


def _count_tests(problems: list[Problem]) -> int:
    """Raises DataError where a problem's tests are not those that it names."""
    count = 0
    with ExitStack() as stack:
        stores: dict[str, Store] = {}
        for problem in problems:
            target = problem.target
            assert isinstance(target, CodeTests)
            if target.store not in stores:
                stores[target.store] = stack.enter_context(Store.open(Path(target.store)))
            found = cases_sha256(stores[target.store].cases(target.problem_id))
            if found != target.sha256:
                raise DataError(
                    f"{target.store}, problem {problem.id}: expected tests with sha256 "
                    f"{target.sha256}, found {found}"
                )
            count += target.num_tests
    return count


def _own_answer(task: Task, problem: Problem) -> Sample:
    assert isinstance(problem.target, Answer)
    return Sample(
        task=task.name,
        problem_id=problem.id,
        index=0,
        seed=None,
        text=rf"The answer is \boxed{{{problem.target.text}}}.",
        finish_reason="stop",
        num_tokens=None,
    )
