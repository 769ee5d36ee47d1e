"""One completion to grade, and the tasks whose problems a request can name."""

from dataclasses import dataclass

from evalkit.server.errors import RequestError, not_found
from evalkit.server.spec import ServeSpec
from evalkit.spec import CODE_GRADERS, MATH_GRADERS
from evalkit.task import Task, load_protocol, parse_tasks
from evalkit.types import Answer, CodeTests, Problem, Sample, Target


@dataclass(frozen=True, slots=True)
class Work:
    grader: str
    problem: Problem
    sample: Sample


@dataclass(frozen=True, slots=True)
class _Loaded:
    task: Task
    problems: dict[str, Problem]


class Catalogue:
    """What the server was started with. Names in requests are looked up here and nowhere else.

    Raises the errors of a task's data when made.
    """

    def __init__(self, spec: ServeSpec) -> None:
        self._tasks = _load_tasks(spec) if spec.tasks else {}
        self._thinking_opened = spec.thinking_opened
        self._max_chars = spec.max_completion_chars
        of_tasks = {one.task.grader for one in self._tasks.values()}
        self.graders = sorted({*spec.graders, *of_tasks})

    @property
    def tasks(self) -> list[str]:
        return sorted(self._tasks)

    def rel_tolerance(self, task: str | None) -> float:
        """Of decimal answers to problems of this task; 0 for one that the server does not have."""
        return self._tasks[task].task.tolerance.relative if task in self._tasks else 0.0

    def work(
        self,
        *,
        completion: str,
        task: str | None = None,
        problem_id: str | None = None,
        grader: str | None = None,
        target: str | Target | None = None,
        tests_sha256: str | None = None,
        thinking_opened: bool | None = None,
        finish_reason: str | None = None,
        where: str = "",
    ) -> Work:
        """Raises RequestError for a name that the server does not have, and for what does not fit.

        `where` is the place of the item in the request, such as "items[3]".
        """
        if len(completion) > self._max_chars:
            size = f"{len(completion):,} characters; this server reads {self._max_chars:,}"
            raise RequestError(413, f"a completion of {size}", _at(where, "completion"))
        loaded = self._loaded(task, where) if task is not None else None
        problem = self._problem(loaded, problem_id, target, tests_sha256, where)
        sample = Sample(
            task=task or "",
            problem_id=problem.id,
            index=0,
            seed=None,
            text=completion,
            finish_reason=finish_reason,
            num_tokens=None,
            thinking_opened=self._thinking_opened if thinking_opened is None else thinking_opened,
        )
        return Work(self._grader(grader, loaded, problem.target, where), problem, sample)

    def _problem(
        self,
        loaded: _Loaded | None,
        problem_id: str | None,
        target: str | Target | None,
        tests_sha256: str | None,
        where: str,
    ) -> Problem:
        """The one of the task, or one that is nothing but the target."""
        if target is None and problem_id is not None:
            return _known_problem(loaded, problem_id, tests_sha256, where)
        if target is None or problem_id is not None:
            raise RequestError(422, "either problem_id or target is needed, and not both", where)
        if isinstance(target, str):
            target = Answer(target, loaded.task.tolerance.relative if loaded else 0.0)
        return Problem("", (), target)

    def _loaded(self, task: str, where: str) -> _Loaded:
        if task not in self._tasks:
            raise not_found("task", task, self.tasks, _at(where, "task"))
        return self._tasks[task]

    def _grader(
        self, grader: str | None, loaded: _Loaded | None, target: Target, where: str
    ) -> str:
        """The one that was asked for, else the task's, else the server's first for such a target."""
        is_code = not isinstance(target, Answer)
        fitting = list(CODE_GRADERS if is_code else MATH_GRADERS)
        default = next((name for name in fitting if name in self.graders), fitting[0])
        name = grader or (loaded.task.grader if loaded else default)
        if name not in self.graders:
            raise not_found("grader", name, self.graders, _at(where, "grader"))
        if name not in fitting:
            kind = "tests" if is_code else "an answer"
            text = f"grader {name!r} does not take {kind}; for it there are: {', '.join(fitting)}"
            raise RequestError(422, text, _at(where, "grader"))
        return name


def _load_tasks(spec: ServeSpec) -> dict[str, _Loaded]:
    protocol = load_protocol(spec.protocol) if spec.protocol else None
    loaded = {}
    for request in parse_tasks(spec.tasks):
        task = request.task.bound(spec.problems, spec.data_dir)
        task = protocol.apply(task) if protocol else task
        problems = {problem.id: problem for problem in task.problems(spec.data_dir)}
        loaded[task.name] = _Loaded(task, problems)
    return loaded


def _known_problem(
    loaded: _Loaded | None, problem_id: str, tests_sha256: str | None, where: str
) -> Problem:
    if loaded is None:
        raise RequestError(422, "a problem_id needs the task that it belongs to", where)
    if problem_id not in loaded.problems:
        kind = f"problem of {loaded.task.name}"
        raise not_found(kind, problem_id, list(loaded.problems), _at(where, "problem_id"))
    problem = loaded.problems[problem_id]
    target = problem.target
    if tests_sha256 and isinstance(target, CodeTests) and target.sha256 != tests_sha256:
        asked = ascii(tests_sha256[:80])
        text = f"the tests of {problem_id} have sha256 {target.sha256} here, not {asked}"
        raise RequestError(409, text, _at(where, "tests_sha256"))
    return problem


def _at(where: str, field: str) -> str:
    return f"{where}.{field}" if where else field
